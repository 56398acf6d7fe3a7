/** What the page does: one article at a time, search, light or dark, copying of code. Without it all is still there. */
export const PAGE_SCRIPT = `
const $ = (id) => document.getElementById(id);
const entries = JSON.parse($("entries").textContent);
const articles = [...document.querySelectorAll("article")];
const contents = [...document.querySelectorAll("#contents a")];
document.body.classList.add("paged");

function show() {
  const id = decodeURIComponent(location.hash.slice(1)) || articles[0].id;
  const target = $(id) || articles[0];
  const article = target.closest("article");
  for (const one of articles) one.classList.toggle("shown", one === article);
  for (const link of contents) {
    const here = link.hash === "#" + id || link.hash === "#" + article.id;
    link.classList.toggle("here", here);
    if (here) link.scrollIntoView({ block: "nearest" });
  }
  if (target === article) scrollTo(0, 0);
  else target.scrollIntoView();
}
addEventListener("hashchange", show);
show();

const search = $("search");
function score(title, words) {
  const text = title.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return -1;
    const starts = at === 0 || /[^a-z]/.test(text[at - 1]);
    sum += (text === word ? 8 : 0) + (starts ? 4 : 1) - text.length / 100;
  }
  return sum;
}
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const found = words.length === 0 ? [] : entries
    .map((entry, order) => ({ entry, order, value: Math.max(score(entry.title, words), score(entry.title + " " + entry.about, words) - 5) }))
    .filter(({ entry }) => words.every((word) => (entry.title + " " + entry.about).toLowerCase().includes(word)))
    .sort((a, b) => b.value - a.value || a.order - b.order)
    .slice(0, 40);
  $("found").hidden = words.length === 0;
  $("contents").hidden = words.length > 0;
  $("found").replaceChildren(...(found.length > 0 ? found.map(({ entry }) => {
    const link = document.createElement("a");
    const about = document.createElement("small");
    about.textContent = entry.about;
    link.href = entry.href;
    link.append(entry.title, about);
    return link;
  }) : ["Nothing has this name."]));
});
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") $("found").querySelector("a")?.click();
  if (event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); search.blur(); }
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) { event.preventDefault(); search.focus(); }
});

const root = document.documentElement;
try { root.dataset.theme = localStorage.getItem("theme") ?? ""; } catch {}
$("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch {}
});

for (const block of document.querySelectorAll("pre:not(.signature)")) {
  const button = document.createElement("button");
  button.textContent = "copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("code").textContent);
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  block.append(button);
}
`;
