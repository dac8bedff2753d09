#include "alg/explain/page.hpp"

namespace sipalg::explain {

namespace {

constexpr std::string_view style = R"css(
:root { color-scheme: light dark; --bg: #fff; --fg: #1b1f24; --dim: #59636e; --line: #d1d9e0; --panel: #f6f8fa;
  --ok: #1a7f37; --warn: #9a6700; --bad: #cf222e; --out: #0550ae; --in: #6639ba; --ins: #dafbe1; --del: #ffebe9; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #0d1117; --fg: #e6edf3; --dim: #9198a1; --line: #3d444d; --panel: #151b23;
    --ok: #3fb950; --warn: #d29922; --bad: #f85149; --out: #79c0ff; --in: #d2a8ff; --ins: #12351c; --del: #47171a; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--bg); color: var(--fg);
  font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 0; } h3 { font-size: 1rem; margin: 1rem 0 .3rem; }
a { color: var(--out); } .anchor { text-decoration: none; }
nav ul { list-style: none; padding: 0; max-height: 22rem; overflow: auto; border: 1px solid var(--line); }
nav li a { display: block; padding: .35rem .6rem; color: inherit; text-decoration: none; }
nav li a:hover, nav li a:focus { background: var(--panel); }
input { font: inherit; padding: .3rem .5rem; width: min(24rem, 70vw); }
section { border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0; padding: .8rem;
  content-visibility: auto; contain-intrinsic-size: auto 30rem; }
.badge { display: inline-block; border-radius: 1em; padding: 0 .6em; font-size: .8rem; font-weight: 600; border: 1px solid; }
.ok { color: var(--ok); } .incomplete { color: var(--warn); } .problem { color: var(--bad); }
.problems { color: var(--bad); } .id, .reason, .t, .notes { color: var(--dim); font-size: .85rem; }
.lanes { display: grid; grid-template-columns: 4.5rem 1fr auto 1fr; font-weight: 600; font-size: .85rem;
  position: sticky; top: 0; background: var(--bg); border-bottom: 1px solid var(--line); gap: .4rem; z-index: 1; }
.lanes span:nth-child(4) { text-align: right; }
summary { display: grid; grid-template-columns: 4.5rem 1fr; align-items: end; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:hover, summary:focus { background: var(--panel); }
.t { font-variant-numeric: tabular-nums; }
.a { position: relative; display: block; text-align: center; border-bottom: 2px solid; margin: .25rem .3rem .3rem 0; }
.a b { font-weight: 600; } .a.out { color: var(--out); } .a.in { color: var(--in); }
.a::after { content: ""; position: absolute; bottom: -6px; border: 5px solid transparent; }
.a.out::after { right: -4px; border-left-color: currentColor; border-right-width: 0; }
.a.in::after { left: -4px; border-right-color: currentColor; border-left-width: 0; }
.a::before { content: ""; position: absolute; left: 50%; bottom: -5px; width: 8px; height: 8px; margin-left: -4px; border: 1px solid currentColor;
  background: var(--bg); border-radius: 50%; }
.a.changed::before { background: currentColor; }
.step { margin: .1rem 0; font-size: .85rem; } .step .t { display: inline-block; width: 4.5rem; }
.opened { color: var(--ok); } .closed { color: var(--bad); } .changed.t, .event { color: var(--warn); }
pre { background: var(--panel); border: 1px solid var(--line); padding: .6rem; margin: .3rem 0 .8rem; white-space: pre-wrap;
  font: 13px/1.4 ui-monospace, monospace; }
ins { background: var(--ins); text-decoration: none; border-bottom: 1px solid var(--ok); } del { background: var(--del); }
.bars p { margin: .3rem 0 .1rem; font-size: .85rem; }
.track { position: relative; height: .8rem; background: var(--panel); border: 1px solid var(--line); }
.track span { position: absolute; top: 0; bottom: 0; min-width: 2px; overflow: hidden; color: transparent; font-size: 1px; } .life { background: var(--line); }
.track .seen { background: var(--ok); top: 25%; bottom: 25%; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; margin-top: .8rem; }
caption { text-align: left; font-weight: 600; } th, td { border: 1px solid var(--line); padding: .15rem .5rem; text-align: left; }
[hidden] { display: none; }
@media (max-width: 30rem) { body { padding: .5rem; } summary { grid-template-columns: 3.8rem 1fr; }
  .lanes { grid-template-columns: 3.8rem 1fr auto 1fr; } .step .t { width: 3.8rem; } }
@media print { nav { display: none; } section { content-visibility: visible; break-inside: auto; border: 0; padding: 0; }
  .lanes { position: static; } details, pre { break-inside: avoid; } body { max-width: none; } }
)css";

// script_hash belongs to these bytes; a test compares them.
constexpr std::string_view script = R"js(
"use strict";
const q = document.getElementById("q"), n = document.getElementById("n");
const sections = Array.from(document.querySelectorAll("main > section"));
const links = Array.from(document.querySelectorAll("nav li"));
let texts = null, timer = 0;
function search() {
  if (!texts) texts = sections.map(s => s.textContent.toLowerCase());
  const wanted = q.value.trim().toLowerCase();
  let shown = 0;
  sections.forEach((s, i) => {
    const hit = wanted === "" || texts[i].includes(wanted);
    s.hidden = !hit;
    links[i].hidden = !hit;
    if (hit) ++shown;
  });
  n.textContent = wanted === "" ? "" : shown + " of " + sections.length;
}
if (q) q.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 150); });
addEventListener("beforeprint", () => {
  const all = document.querySelectorAll("details");
  if (all.length <= 200) all.forEach(d => { d.open = true; });
});
)js";
constexpr std::string_view script_hash = "sha256-yhSbBl8ICtSGVCZhopGrgcLQ63GLBgTDcjpaXstbLpg=";

}  // namespace

std::string page_begin(std::string_view title) {
    std::string text =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; script-src '";
    text += script_hash;
    text +=
        "'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<title>";
    text += title;
    text += " - sipalg</title>\n<style>";
    text += style;
    return text += "</style>\n</head>\n<body>\n";
}

std::string page_end() {
    std::string text = "<script>";
    text += script;
    return text += "</script>\n</body>\n</html>\n";
}

}  // namespace sipalg::explain
