"""The picture of a sweep: latency against throughput, and throughput against clients.

Needs matplotlib (the extra ``plot``), which is imported with this module only.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter

from treadle.tune.result import Measurement, Sweep
from treadle.tune.settings import ThreadSetting

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_QUIET = "#b8bcc2"
_INK = "#22262b"
_FRONT = "#22262b"
_HALO = [withStroke(linewidth=3, foreground="white")]


def draw(sweep: Sweep, title: str, subtitle: str = "") -> Figure:
    """The figure of `sweep`: settings on the left, clients on the right.

    The settings with a Pareto-optimal cell and the default get colours, up to six; others are grey.
    """
    figure = Figure(figsize=(12.5, 6.2), facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.07, right=0.985, top=0.80, bottom=0.195, wspace=0.17)
    figure.text(0.07, 0.945, title, fontsize=16, fontweight="bold", color=_INK)
    figure.text(0.07, 0.90, subtitle, fontsize=10.5, color="#5b626b")
    left, right = figure.subplots(1, 2)
    styles = _styles(sweep)
    _draw_trade(left, sweep, styles)
    _draw_scaling(right, sweep, styles)
    handles = _legend(sweep, styles)
    figure.legend(
        handles=handles,
        loc="lower center",
        ncol=-(-len(handles) // 2),
        frameon=False,
        fontsize=10,
        bbox_to_anchor=(0.5, 0.005),
    )
    return figure


def render(sweep: Sweep, form: str, title: str, subtitle: str = "") -> bytes:
    """The picture of `sweep` in a format: ``png``, ``svg`` or ``pdf``."""
    buffer = io.BytesIO()
    draw(sweep, title, subtitle).savefig(buffer, format=form, dpi=160)
    return buffer.getvalue()


_Styles = dict[ThreadSetting, tuple[str, str]]


def _styles(sweep: Sweep) -> _Styles:
    """Colour and marker of the settings that stand out: the default, the best, the front."""
    wanted = [
        sweep.default,
        sweep.best_latency.setting,
        sweep.best_throughput.setting,
        *(m.setting for m in sweep.pareto()),
        *sweep.settings,
    ]
    chosen = [s for s in dict.fromkeys(wanted) if s in sweep.settings][: len(_COLOURS)]
    return {s: (_COLOURS[i], _MARKERS[i]) for i, s in enumerate(sorted(chosen))}


def _name(sweep: Sweep, setting: ThreadSetting) -> str:
    text = f"{setting.intra_op} intra-op × {setting.inter_op} inter-op"
    return f"{text} (default)" if setting == sweep.default else text


def _legend(sweep: Sweep, styles: _Styles) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, marker=marker, label=_name(sweep, setting), markersize=7)
        for setting, (colour, marker) in styles.items()
    ]
    if len(styles) < len(sweep.settings):
        handles.append(Line2D([], [], color=_QUIET, marker=".", label="other settings"))
    front = Line2D([], [], color=_FRONT, linewidth=7, alpha=0.13, label="Pareto front (left)")
    ring = Line2D(
        [], [], color=_INK, linewidth=0, marker="o", markersize=11, fillstyle="none",
        label="best latency, best throughput",
    )  # fmt: skip
    return [*handles, front, ring]


def _line(measurements: Sequence[Measurement]) -> tuple[list[float], list[float]]:
    return [m.p99_ns / 1e6 for m in measurements], [m.throughput for m in measurements]


def _of(sweep: Sweep, setting: ThreadSetting) -> list[Measurement]:
    return sorted((m for m in sweep.measurements if m.setting == setting), key=lambda m: m.clients)


def _prepare(axes: Axes, title: str, x_label: str) -> None:
    axes.set_title(title, fontsize=12, loc="left", color=_INK, pad=10)
    axes.set_xlabel(x_label, fontsize=10.5, color=_INK)
    axes.grid(color="#e6e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors="#5b626b", labelsize=9.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c5c9ce")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _draw_trade(axes: Axes, sweep: Sweep, styles: _Styles) -> None:
    """Throughput over p99 latency, with a line from the median of each point."""
    _prepare(axes, "What each setting trades", "p99 latency of a request, ms (thin line: from p50)")
    axes.set_ylabel("requests per second", fontsize=10.5, color=_INK)
    axes.set_xscale("log")
    axes.plot(
        *_line(sweep.pareto()), color=_FRONT, linewidth=9, alpha=0.13, solid_capstyle="round",
        marker="o", markersize=15, markeredgewidth=0, zorder=1,
    )  # fmt: skip
    for setting in sweep.settings:
        _draw_setting(axes, _of(sweep, setting), styles.get(setting))
    _limit(axes, sweep)
    _mark_clients(axes, sweep)
    _mark_best(axes, sweep)


def _draw_setting(
    axes: Axes, measured: Sequence[Measurement], style: tuple[str, str] | None
) -> None:
    if style is None:
        axes.plot(*_line(measured), color=_QUIET, marker=".", markersize=4, linewidth=0.7, zorder=2)
        return
    colour, marker = style
    axes.plot(
        *_line(measured), color=colour, marker=marker, markersize=8, linewidth=1.6,
        markeredgecolor="white", zorder=3,
    )  # fmt: skip
    for m in measured:
        axes.plot(
            [m.p50_ns / 1e6, m.p99_ns / 1e6], [m.throughput] * 2, color=colour, linewidth=0.9,
            alpha=0.45, zorder=1.5,
        )  # fmt: skip


def _limit(axes: Axes, sweep: Sweep) -> None:
    """Room for the labels, and plain numbers along the logarithmic axis."""
    lowest = min(m.p50_ns for m in sweep.measurements) / 1e6
    highest = max(m.p99_ns for m in sweep.measurements) / 1e6
    room = max(highest / lowest, 2.0) ** 0.1
    axes.set_xlim(lowest / room, highest * room)
    axes.set_ylim(0, max(m.throughput for m in sweep.measurements) * 1.17)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(_minor_label))
    axes.tick_params(which="minor", colors="#5b626b", labelsize=9.5)


def _minor_label(value: float, _: int | None) -> str:
    """Labels at 2 and 5 between the powers of ten."""
    return f"{value:g}" if f"{value:.0e}"[0] in "25" else ""


def _mark_clients(axes: Axes, sweep: Sweep) -> None:
    """The number of clients, once per cloud of points: above its highest."""
    for clients in sweep.clients:
        top = sweep.best_for(clients)
        axes.annotate(
            f"{clients} client{'s' * (clients > 1)}", (top.p99_ns / 1e6, top.throughput),
            xytext=(0, 12), textcoords="offset points", ha="center", fontsize=9.5, color=_INK,
            path_effects=_HALO, zorder=6,
        )  # fmt: skip


def _mark_best(axes: Axes, sweep: Sweep) -> None:
    """Rings around the best latency and the best throughput, whose names are in the other panel."""
    for best in {sweep.best_latency, sweep.best_throughput}:
        axes.plot(
            [best.p99_ns / 1e6], [best.throughput], marker="o", markersize=18, fillstyle="none",
            color=_INK, markeredgewidth=1.4, zorder=5,
        )  # fmt: skip


def _draw_scaling(axes: Axes, sweep: Sweep, styles: _Styles) -> None:
    """Throughput in groups of bars, one per number of clients, with the spread of the rounds."""
    _prepare(axes, "How each setting takes more clients", "concurrent clients")
    axes.grid(axis="x", visible=False)
    width = 0.8 / len(styles)
    for i, (setting, (colour, _)) in enumerate(styles.items()):
        found = [sweep.at(setting, clients) for clients in sweep.clients]
        for group, m in enumerate(found):
            if m is None:
                continue
            x = group - 0.4 + (i + 0.5) * width
            axes.bar(x, m.throughput, width * 0.88, color=colour, zorder=2)
            axes.plot([x, x], [m.lowest, m.highest], color=_INK, linewidth=1, alpha=0.55, zorder=3)
            if m == sweep.best_throughput:
                axes.annotate(
                    f"most throughput\n{m.throughput:,.0f}/s", (x, max(m.throughput, m.highest)),
                    xytext=(0, 6), textcoords="offset points", ha="center", fontsize=9.5,
                    color=_INK, path_effects=_HALO, zorder=6,
                )  # fmt: skip
    axes.set_xticks(range(len(sweep.clients)), [str(count) for count in sweep.clients])
    shown = [m.highest for m in sweep.measurements if m.setting in styles]
    axes.set_ylim(0, max(shown) * 1.2)
