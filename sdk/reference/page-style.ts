/** The look of the page. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --back: light-dark(#fff, #16181d); --side: light-dark(#f5f6f8, #1c1f26);
  --text: light-dark(#1e2430, #d8dce4); --dim: light-dark(#667085, #8b93a3); --line: light-dark(#e2e5ea, #2c313b);
  --link: light-dark(#0b5cad, #7db8ff); --code: light-dark(#f2f4f7, #20242c); --word: light-dark(#8a2be2, #c39bff);
  --string: light-dark(#0a7040, #8fd3a5); --number: light-dark(#a8500a, #f0b37a); }
:root[data-theme=light] { color-scheme: light } :root[data-theme=dark] { color-scheme: dark }
* { box-sizing: border-box }
body { margin: 0; display: grid; grid-template-columns: 17rem 1fr; background: var(--back); color: var(--text);
  font: 16px/1.6 system-ui, sans-serif; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1rem; background: var(--side);
  border-right: 1px solid var(--line); font-size: .875rem; }
nav header { display: flex; align-items: baseline; gap: .5rem; font-size: 1rem }
nav small { color: var(--dim) } nav button { margin-left: auto; border: 0; background: none; color: inherit; cursor: pointer; font-size: 1.1rem }
nav input { width: 100%; margin: .75rem 0; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--back); color: inherit; font: inherit }
nav h2, nav summary { margin: 1rem 0 .25rem; font-size: .8125rem; font-weight: 600; color: var(--dim) }
nav summary { cursor: pointer } nav summary a { display: inline }
nav a { display: block; padding: .1rem .4rem; border-radius: 4px; color: inherit; text-decoration: none; overflow-wrap: anywhere }
nav a:hover, nav a.here, nav a:focus-visible { background: var(--line) } nav a small { display: block }
main { padding: 2rem 3rem 6rem; min-width: 0 } article { max-width: 50rem; margin: 0 auto }
.paged article { display: none } .paged article.shown { display: block }
a { color: var(--link) } a.name { text-decoration: none } a.name:hover { text-decoration: underline }
h1, h2, h3 { line-height: 1.25; margin: 2.2rem 0 .8rem } h1 { margin-top: 0; font-size: 1.9rem }
h3 { padding-top: 1.4rem; border-top: 1px solid var(--line) }
code { font: .875em/1.5 ui-monospace, Menlo, Consolas, monospace; background: var(--code); border-radius: 4px; padding: .1em .3em }
pre { overflow-x: auto; padding: .9rem 1.1rem; background: var(--code); border: 1px solid var(--line); border-radius: 8px; position: relative }
pre code { background: none; padding: 0; font-size: .84rem } pre.signature { padding: .5rem .9rem }
pre button { position: absolute; top: .4rem; right: .4rem; padding: .15rem .5rem; border: 1px solid var(--line); border-radius: 5px;
  background: var(--back); color: var(--dim); font-size: .75rem; cursor: pointer; opacity: 0 }
pre:hover button, pre button:focus-visible { opacity: 1 }
.comment { color: var(--dim) } .keyword, .mark { color: var(--word) } .string { color: var(--string) } .number { color: var(--number) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .9375rem }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
th { color: var(--dim); font-weight: 600 } td:first-child code { white-space: nowrap }
li { margin: .3rem 0 } article > ul > li > a[id] + code { font-weight: 600 }
:target { scroll-margin-top: 1rem } a[id]:target + code, a[id]:target + h3 { outline: 2px solid var(--link); outline-offset: 3px }
@media (max-width: 52rem) { body { display: block } nav { position: static; height: auto; max-height: 60vh } main { padding: 1.2rem } td:first-child code { white-space: normal } }
@media print { nav, pre button { display: none } body { display: block } .paged article { display: block } }
`;
