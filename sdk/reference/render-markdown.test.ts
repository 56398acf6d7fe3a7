import { expect, test } from "vitest";
import { renderMarkdown, slugOf } from "./render-markdown.js";

const options = {
  link: (href: string) => href.replace(/\.md$/, ".html"),
  linkCode: (code: string) => (code === "Known" ? "#known" : undefined),
  headingId: slugOf,
};

test.each([
  ["a heading", "## Why & how", '<h2 id="why--how">Why &amp; how</h2>'],
  ["a paragraph of two lines", "one\ntwo", "<p>one two</p>"],
  ["code, bold, a link", "`a<b` **c** [d](e.md)", '<p><code>a&lt;b</code> <b>c</b> <a href="e.html">d</a></p>'],
  ["code that names something", "`Known`", '<p><a class=name href="#known"><code>Known</code></a></p>'],
  ["an address", "see https://a.test/b.", '<p>see <a href="https://a.test/b">https://a.test/b</a>.</p>'],
  ["markup is text", "<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"],
  ["a list", "- one\n- two\n  lines", "<ul>\n<li>one</li>\n<li>two lines</li>\n</ul>"],
  ["a numbered list", "1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"],
  [
    "a list with code",
    "- one\n\n  ```text\n  a\n  ```\n",
    "<ul>\n<li><p>one</p>\n<pre><code>a</code></pre></li>\n</ul>",
  ],
  [
    "a table",
    "| a | b |\n| --- | --- |\n| `x\\|y` | 2 |",
    "<div class=wide><table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td><code>x|y</code></td><td>2</td></tr>\n</table></div>",
  ],
  [
    "TypeScript",
    '```ts\nconst a = "<"; // b\n```',
    "<pre><code><span class=keyword>const</span> a = <span class=string>&quot;&lt;&quot;</span>; <span class=comment>// b</span></code></pre>",
  ],
])("%s", (_, markdown, html) => expect(renderMarkdown(markdown, options)).toBe(html));
