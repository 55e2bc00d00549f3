"""The page of a report: its style, and the few pieces of HTML that repeat."""

from __future__ import annotations


def section(title: str, intro: str, body: str) -> str:
    """A part of the page; `intro` and `body` are HTML."""
    said = f"<p>{intro}</p>" if intro else ""
    return f"<section><h2>{title}</h2>{said}{body}</section>"


def figure(drawn: str, caption: str, below: str = "") -> str:
    """A picture or a chart with its words."""
    return f"<figure>{drawn}<figcaption>{caption}</figcaption>{below}</figure>"


def beside(*figures: str) -> str:
    """In a row, as far as the page is wide."""
    return f"<div class='pair'>{''.join(figures)}</div>"


def bar(share: float, mark: float | None = None) -> str:
    """A bar of that share of the width, and a tick."""
    tick = "" if mark is None else f"<b style='left:{100 * mark:.1f}%'></b>"
    return f"<div class='bar'><i style='width:{100 * share:.1f}%'></i>{tick}</div>"


def table(heads: tuple[str, ...], rows: list[str]) -> str:
    """The first column names the row, the second holds a bar."""
    head = "".join(f"<th>{word}</th>" for word in heads)
    return f"<table class='steps'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


STYLE = """
:root{--paper:#fbfaf8;--card:#fff;--ink:#1d1d1f;--faint:#86868b;--line:#e3e1dc;--accent:#2a6fb0;--good:#2f7d4f;
--bad:#b3372b}
@media (prefers-color-scheme:dark){:root{--paper:#161618;--card:#1f1f22;--ink:#ececea;--faint:#8e8e93;
--line:#34343a;--accent:#6aa9e6;--good:#6fbf8b;--bad:#e5806f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px}
h1{font-size:30px;margin:0 0 4px;overflow-wrap:anywhere}
h2{margin:0 0 6px;font-size:22px}
h3{margin:18px 0 6px;font-size:16px;overflow-wrap:anywhere}
small,.small,figcaption,footer{color:var(--faint);font-size:13px;font-weight:400}
.verdict{font-size:20px;margin:8px 0}
.verdict .good{color:var(--good)}
.verdict .bad{color:var(--bad)}
section,header{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:20px 24px;margin:0 0 18px}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:14px 0}
.tiles div{flex:1 1 130px;border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.tiles strong{display:block;font-size:24px}
.tiles span{color:var(--faint);font-size:13px}
.domain{display:flex;flex-wrap:wrap;gap:24px;align-items:end}
.domain p{margin:4px 0;flex:1 1 320px}
.hues{display:flex;align-items:end;gap:3px;height:46px}
.hues i{width:18px;border-radius:3px 3px 0 0}
figure{margin:0;min-width:0}
img{max-width:100%;height:auto;display:block;border-radius:4px}
.strip img{width:100%;image-rendering:auto}
.strip figure:last-child img{image-rendering:pixelated}
.strip{display:grid;grid-template-columns:repeat(4,1fr);gap:8px}
.pair{display:flex;flex-wrap:wrap;gap:22px;align-items:start}
.chart{width:460px;max-width:100%}
.plane{width:300px;max-width:100%}
.grid{stroke:var(--line);fill:none}
.tick{fill:var(--faint);font-size:11px}
.key{font-size:12px}
.column{stroke:var(--line)}
.arrow{stroke:var(--ink);stroke-width:1.5;opacity:.65}
.dot{stroke:var(--faint);stroke-width:.6}
.legend{max-width:520px;margin:10px 0 4px}
.legend i{display:block;height:12px;border-radius:6px}
.legend b{position:relative;display:block;height:18px;font-size:12px;font-weight:400;color:var(--faint)}
.legend span{position:absolute;transform:translateX(-50%)}
.legend p{margin:0;font-size:13px;color:var(--faint)}
table{border-collapse:collapse}
.steps{width:100%}
.steps th{text-align:left;font-weight:400;padding:3px 12px 3px 0;overflow-wrap:anywhere}
.steps thead th{color:var(--faint);font-size:13px}
.steps td{padding:3px 8px;font-variant-numeric:tabular-nums}
.steps td:nth-child(2){width:45%}
.chosen th,.chosen td{font-weight:700}
.bar{position:relative;height:14px;background:var(--line);border-radius:7px}
.bar i{display:block;height:100%;background:var(--accent);border-radius:7px}
.chosen .bar i{background:var(--good)}
.bar b{position:absolute;top:-2px;width:2px;height:18px;background:var(--ink)}
.matrix td{padding:1px 8px;font:12px ui-monospace,monospace;color:var(--faint)}
.swatches{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:8px}
.swatches i{display:block;height:30px}
.swatches i:first-child{border-radius:6px 6px 0 0}
.swatches i:nth-child(2){border-radius:0 0 6px 6px}
.swatches span{font-size:11px;color:var(--faint)}
.refused{display:flex;gap:16px;border-top:1px solid var(--line);padding:12px 0}
.refused b,.refused small{display:block;overflow-wrap:anywhere}
.refused p{margin:4px 0}
.refused img{flex:none}
footer{max-width:1180px;margin:0 auto;padding:0 24px 32px}
@media (max-width:700px){.strip img{width:100%;image-rendering:auto}
.strip figure:last-child img{image-rendering:pixelated}
.strip{grid-template-columns:repeat(2,1fr)}main{padding:10px}}
@media print{section,header{break-inside:avoid}}
"""
