// The style sheet of the page: Okabe and Ito's colours, which the colour-blind can tell apart; light, dark and paper.

enum Style {
  static let sheet = """

    :root { --bg: #ffffff; --panel: #f6f7f8; --fg: #15191d; --dim: #59636e; --line: #d5dae0; --grid: #e6e9ed;
      --ok: #007a5a; --bad: #b84a00; --open: #8a6100; --okbg: #e0f4ec; --badbg: #fdebe0; --openbg: #fdf3d8;
      --blue: #0072b2; --sky: #56b4e9; --green: #009e73; --orange: #e69f00; --red: #d55e00; --purple: #b0528a;
      --yellow: #f0e442; --grey: #8a949e; }
    @media (prefers-color-scheme: dark) { :root { --bg: #101418; --panel: #181d23; --fg: #e8ebee; --dim: #9aa5b0;
      --line: #343c45; --grid: #262d35; --ok: #2fd3a2; --bad: #ff8f4d; --open: #f0c04a; --okbg: #0f2f26; --badbg: #3a1f10;
      --openbg: #33290d; --blue: #56b4e9; --sky: #2d7fb8; --green: #1fc795; --orange: #f2b632; --red: #ff7a2e;
      --purple: #e08fbd; --grey: #87919b; } }
    @media print { :root { --bg: #fff; --panel: #fff; --fg: #000; --dim: #444; --line: #bbb; --grid: #ddd; --ok: #006045;
      --bad: #a03f00; --open: #6d4c00; --okbg: #fff; --badbg: #fff; --openbg: #fff; --blue: #0072b2; --sky: #56b4e9;
      --green: #009e73; --orange: #e69f00; --red: #d55e00; --purple: #b0528a; --grey: #777; } }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0 auto; padding: 1.2rem 1.2rem 3rem; max-width: 1280px; background: var(--bg); color: var(--fg);
      font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
      font-variant-numeric: tabular-nums; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; }
    h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); }
    h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
    p { margin: .4rem 0; } .note, .about { color: var(--dim); font-size: .9rem; max-width: 75ch; }
    .top { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center; }
    .facts { display: flex; flex-wrap: wrap; gap: .1rem 1rem; color: var(--dim); margin: 0; }
    .sentence { font-size: 1.2rem; line-height: 1.4; max-width: 75ch; margin: .8rem 0 .4rem; }
    .badge { display: inline-block; padding: 0 .55em; border-radius: 4px; font-weight: 600; white-space: nowrap;
      border: 1px solid currentColor; }
    .badge.large { font-size: 1.1rem; padding: .1em .7em; letter-spacing: .03em; }
    .holds { color: var(--ok); background: var(--okbg); } .violated { color: var(--bad); background: var(--badbg); }
    .inconclusive { color: var(--open); background: var(--openbg); }
    .why { border-left: 4px solid currentColor; padding: .5rem .9rem; margin: .8rem 0; border-radius: 0 4px 4px 0; }
    .why ul { margin: .2rem 0 0; padding-left: 1.2rem; color: var(--fg); } .why li { max-width: 90ch; }
    table { border-collapse: collapse; width: 100%; font-size: .92rem; }
    th, td { padding: .32rem .6rem; border-bottom: 1px solid var(--grid); text-align: left; vertical-align: top; }
    thead th { color: var(--dim); font-weight: 500; font-size: .85rem; vertical-align: bottom;
      border-bottom: 1px solid var(--line); }
    tbody th { font-weight: 600; white-space: nowrap; }
    .number { text-align: right; white-space: nowrap; } .bad { color: var(--bad); font-weight: 600; }
    .sign { border-radius: 3px; padding: 0 .35em; font-weight: 600; } .v { min-width: 0; overflow-wrap: anywhere; }
    .number .v { overflow-wrap: normal; }
    small, .small { font-size: .82rem; color: var(--dim); font-weight: 400; } .wrap { overflow-wrap: anywhere; }
    code, pre { font: .85rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
    pre { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: .5rem .8rem;
      overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
    details { margin: .4rem 0; } summary { cursor: pointer; color: var(--dim); }
    .finding { border: 1px solid var(--line); border-radius: 6px; padding: .2rem 1rem .7rem; margin: .8rem 0;
      background: var(--panel); }
    .finding p { max-width: 85ch; } .ids { overflow-wrap: anywhere; font-size: .85rem; color: var(--dim); }
    .two { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 2rem; }
    figure { margin: .4rem 0 1rem; } figcaption { color: var(--dim); font-size: .88rem; }
    svg { display: block; width: 100%; height: auto; } svg.narrow { display: none; }
    svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--fg);
      font-variant-numeric: tabular-nums; }
    svg text.dim { fill: var(--dim); } svg text.small { font-size: 11px; } svg text.strong { font-weight: 600; }
    svg text.end { text-anchor: end; } svg text.mid { text-anchor: middle; }
    svg text.onfill { fill: #fff; font-size: 10.5px; } svg text.halo { paint-order: stroke; stroke: var(--bg);
      stroke-width: 3px; stroke-linejoin: round; }
    .grid { stroke: var(--grid); stroke-width: 1; } .frame { stroke: var(--line); stroke-width: 1; fill: none; }
    .band { fill: var(--red); fill-opacity: .12; } .band.unfelt { fill: var(--grey); }
    .edge { stroke: var(--red); stroke-width: 1.2; } .edge.unfelt { stroke: var(--grey); }
    .edge.healed { stroke-dasharray: 3 3; } svg text.fault { fill: var(--bad); font-weight: 600; font-size: 11.5px; }
    svg text.fault.unfelt { fill: var(--dim); } .l { fill: none; stroke-width: 1.7; stroke-linejoin: round; }
    .offered { stroke: var(--grey); stroke-width: 1; } .confirmed { stroke: var(--blue); }
    .delivered { stroke: var(--green); stroke-dasharray: 6 2; } .p50 { stroke: var(--green); }
    .p99 { stroke: var(--blue); stroke-dasharray: 6 2; } .dot { fill: var(--red); } .area { fill: var(--purple); fill-opacity: .25; }
    .backlog { stroke: var(--purple); } .unacked { stroke: var(--orange); stroke-dasharray: 2 2; stroke-width: 1.2; }
    svg text.t-offered { fill: var(--dim); } svg text.t-confirmed, svg text.t-p99 { fill: var(--blue); }
    svg text.t-delivered, svg text.t-p50 { fill: var(--green); } svg text.t-max { fill: var(--bad); }
    svg text.t-backlog { fill: var(--purple); } svg text.t-unacked { fill: var(--open); }
    .leader { fill: #0072b2; } .follower { fill: var(--sky); fill-opacity: .45; } .alive { fill: var(--grey); fill-opacity: .45; }
    .down { fill: none; stroke: var(--red); stroke-width: 1.4; } .paused { fill: var(--orange); fill-opacity: .75; }
    .fate { fill: var(--red); } .fate.mild { fill: var(--grey); } .phase { stroke: var(--dim); stroke-dasharray: 1 3; }
    .point { fill: var(--blue); stroke: var(--blue); stroke-width: 2; } .point.hollow { fill: var(--bg); }
    .bar { stroke: var(--grey); stroke-width: 3; fill: none; } .bar.put { stroke: var(--blue); }
    .bar.take { stroke: var(--green); } .bar.transaction { stroke: var(--purple); } .bar.drain { stroke: var(--dim); }
    .bar.open { stroke-dasharray: 7 4; } .bar.failed { stroke-width: 1.5; } .why-lanes { font-weight: 600; }
    @media (max-width: 700px) {
      body { padding: .8rem .7rem 2rem; font-size: 14px; } .sentence { font-size: 1.08rem; }
      .two { grid-template-columns: minmax(0, 1fr); } svg.wide { display: none; } svg.narrow { display: block; }
      table.cards, .cards tbody, .cards tr, .cards th, .cards td { display: block; width: 100%; }
      .cards thead { display: none; } .cards tr { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0;
        padding: .2rem .7rem; } .cards td, .cards tbody th { display: flex; justify-content: space-between; gap: 1rem;
        text-align: right; border-bottom: 1px solid var(--grid); padding: .25rem 0; white-space: normal; }
      .cards tr > :last-child { border-bottom: 0; } .cards td::before, .cards tbody th::before { content: attr(data-label);
        color: var(--dim); font-weight: 400; text-align: left; flex: none; max-width: 45%; }
    }
    @media print { body { max-width: none; font-size: 11px; padding: 0; } section, figure, .finding { break-inside: avoid; }
      h2 { break-after: avoid; } * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }

    """
}
