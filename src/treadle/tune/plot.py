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
from matplotlib.ticker import FuncFormatter, NullFormatter

from treadle.tune.result import Measurement, Sweep
from treadle.tune.settings import ThreadSetting

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "P")
_QUIET = "#b8bcc2"
_INK = "#22262b"
_FRONT = "#22262b"


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
    figure.legend(
        handles=[*_legend(sweep, styles)],
        loc="lower center",
        ncol=min(len(styles) + 2, 4),
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
    handles.append(
        Line2D([], [], color=_FRONT, linewidth=7, alpha=0.13, label="Pareto front (left)")
    )
    return handles


def _line(measurements: Sequence[Measurement]) -> tuple[list[float], list[float]]:
    return [m.p50_ns / 1e6 for m in measurements], [m.throughput for m in measurements]


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
    """Throughput over latency; the numbers at the points are clients."""
    _prepare(axes, "What each setting trades", "median latency of a request, ms (p99: thin line)")
    axes.set_ylabel("requests per second", fontsize=10.5, color=_INK)
    axes.set_xscale("log")
    axes.plot(
        *_line(sweep.pareto()), color=_FRONT, linewidth=9, alpha=0.13, solid_capstyle="round",
        marker="o", markersize=15, markeredgewidth=0, zorder=1,
    )  # fmt: skip
    for setting in sweep.settings:
        colour, marker = styles.get(setting, (_QUIET, "."))
        measured = _of(sweep, setting)
        loud = setting in styles
        axes.plot(
            *_line(measured), color=colour, marker=marker, markersize=7 if loud else 4,
            linewidth=1.6 if loud else 0.8, markeredgecolor="white", zorder=3 if loud else 2,
        )  # fmt: skip
        for m in measured if loud else ():
            axes.plot(
                [m.p50_ns / 1e6, m.p99_ns / 1e6], [m.throughput] * 2, color=colour, linewidth=0.9,
                alpha=0.35, zorder=1.5,
            )  # fmt: skip
    _mark_clients(axes, sweep)
    _mark_best(axes, sweep)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), high + (high - low) * 0.12)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(_minor_label))


def _minor_label(value: float, _: int | None) -> str:
    """Labels at 2 and 5 between the powers of ten."""
    digits = f"{value:.0e}"[0]
    return f"{value:g}" if digits in "25" else ""


def _mark_clients(axes: Axes, sweep: Sweep) -> None:
    """The number of clients, once per cloud of points: at its highest."""
    for clients in sweep.clients:
        top = sweep.best_for(clients)
        axes.annotate(
            f"{clients} client{'s' * (clients > 1)}", (top.p50_ns / 1e6, top.throughput),
            xytext=(0, 9), textcoords="offset points", ha="center", fontsize=9, color=_INK,
        )  # fmt: skip


def _mark_best(axes: Axes, sweep: Sweep) -> None:
    """Rings around the best latency and the best throughput."""
    for best in {sweep.best_latency, sweep.best_throughput}:
        axes.plot(
            [best.p50_ns / 1e6], [best.throughput], marker="o", markersize=17, fillstyle="none",
            color=_INK, markeredgewidth=1.4, zorder=4,
        )  # fmt: skip
    first = sweep.best_latency
    axes.annotate(
        f"lowest latency {first.p50_ns / 1e6:.3g} ms\n{first.setting}",
        (first.p50_ns / 1e6, first.throughput), xytext=(14, -30), textcoords="offset points",
        fontsize=9, color=_INK, arrowprops={"arrowstyle": "-", "color": "#8a9099", "lw": 0.8},
    )  # fmt: skip


def _draw_scaling(axes: Axes, sweep: Sweep, styles: _Styles) -> None:
    """Throughput over the number of clients, with the spread of the rounds."""
    _prepare(axes, "How each setting takes more clients", "concurrent clients")
    axes.set_xscale("log", base=2)
    for setting in sweep.settings:
        colour, marker = styles.get(setting, (_QUIET, "."))
        measured = _of(sweep, setting)
        clients = [m.clients for m in measured]
        loud = setting in styles
        axes.plot(
            clients, [m.throughput for m in measured], color=colour, marker=marker,
            markersize=7 if loud else 4, linewidth=1.8 if loud else 0.8, markeredgecolor="white",
            zorder=3 if loud else 2,
        )  # fmt: skip
        if loud:
            axes.fill_between(
                clients, [m.lowest for m in measured], [m.highest for m in measured],
                color=colour, alpha=0.09, linewidth=0, zorder=1,
            )  # fmt: skip
    best = sweep.best_throughput
    axes.annotate(
        f"most throughput {best.throughput:,.0f}/s\n{best.setting}, {best.clients} clients",
        (best.clients, best.throughput), xytext=(0, 14), textcoords="offset points", ha="center",
        fontsize=9, color=_INK,
    )  # fmt: skip
    axes.set_xticks(list(sweep.clients), [str(count) for count in sweep.clients])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, max(m.highest for m in sweep.measurements) * 1.17)
    axes.margins(x=0.08)
