# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From two neurons to a circuit that learns
#
# Five steps: one synapse, a learning window, a third factor, the same network on two simulators, and a striatum that
# learns from its own dopamine neurons and unlearns when the world turns round. Each step is held against what is known
# in closed form, where there is such a thing.
#
# The whole notebook takes less than a minute.

# %%
import tempfile

import matplotlib.pyplot as plt
import numpy as np

import spikerl as sp

BLUE, ORANGE, GREEN, PURPLE, GOLD, GREY = "#0067a8", "#c95000", "#007a5a", "#85409d", "#a17400", "#62686f"
plt.rcParams.update(
    {
        "figure.constrained_layout.use": True,
        "figure.dpi": 110,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": "medium",
        "axes.titlelocation": "left",
        "legend.frameon": False,
        "font.size": 9,
    }
)

# %% [markdown]
# ## 1. One synapse
#
# A source that spikes once, and a leaky integrate-and-fire neuron that hears it a step later. The spike adds the
# weight to the synaptic current `u`, which decays, and the membrane follows:
#
# $$\tau_m \dot v = v_{rest} - v + u, \qquad \tau_s \dot u = -u .$$
#
# Parameters are text with units. Weights onto this neuron are voltages, since its threshold is one.

# %%
source = sp.Population("source", 1, sp.SpikeSource(neurons=(0,), times=("20 ms",)))
cell = sp.Population("cell", 1, sp.LIF(tau_mem="20 ms", tau_syn="5 ms", rest="-70 mV", threshold="-50 mV"))
network = sp.Network(sp.Projection(source, cell, weight="10 mV", delay="1 ms"))

with sp.open(network, backend="reference", record=sp.Record(voltages=("cell",))) as session:
    seen = session.step("150 ms")

voltage = 1e3 * seen.voltages["cell"][:, 0, 0]  # [time, batch, neuron], in V

# %% [markdown]
# A step of 1 ms is exact for the difference equation that every back end computes, and that equation has a solution: k
# steps after the spike's arrival, the voltage is above rest by
#
# $$ w\,(1 - a_m)\,\frac{a_m^{k+1} - a_s^{k+1}}{a_m - a_s}, \qquad a = e^{-dt/\tau} . $$
#
# The simulation gives it to the last digits. In continuous time it is the familiar difference of two exponentials. On
# the grid a current stays at its value for a whole step, so that it carries more charge by a share of dt / 2 tau_syn:
# 10 % here, and less with a shorter step.

# %%
time = np.arange(150.0)
since = time - 21  # the spike of 20 ms arrives one step later
a_m, a_s = np.exp(-1 / 20), np.exp(-1 / 5)
discrete = np.where(since >= 0, 10 * (1 - a_m) * (a_m ** (since + 1) - a_s ** (since + 1)) / (a_m - a_s), 0.0)
continuous = np.where(since >= 0, 10 * 5 / (20 - 5) * (np.exp(-since / 20) - np.exp(-since / 5)), 0.0)
assert np.allclose(voltage + 70, discrete, rtol=0, atol=1e-12)

figure, axes = plt.subplots(figsize=(6.2, 2.6))
axes.plot(time, continuous - 70, color=GREY, linewidth=1, label="continuous time")
axes.plot(time, voltage, ".", color=BLUE, markersize=4, label="simulated, one point a step")
axes.axvline(20, color=GREY, linewidth=0.8, linestyle=":")
axes.annotate("spike", (20, axes.get_ylim()[1]), (-4, 0), textcoords="offset points", ha="right", va="top", color=GREY)
axes.set(xlabel="Time (ms)", ylabel="Voltage (mV)", xlim=(0, 150), title="One post-synaptic potential")
axes.legend()
plt.show()

# %% [markdown]
# ## 2. A learning window
#
# A rule is its mathematics. Pair STDP: a post-synaptic spike adds the trace `x` of the pre-synaptic ones, a
# pre-synaptic spike takes off the trace `y` of the post-synaptic ones.
#
# To measure its window, 121 synapses side by side each see one pair of spikes at a lag of their own. A strong synapse
# from a teacher makes the post-synaptic neuron fire when it should.

# %%
x, y = sp.pre_trace("15 ms"), sp.post_trace("30 ms")
rule = sp.Rule(sp.on_post(0.010 * x), sp.on_pre(-0.006 * y), bounds=(0, 1))  # sp.pair_stdp(...) is this rule

lags = np.arange(-60, 61)  # from the pre- to the post-synaptic spike, ms
pre = sp.Population("pre", lags.size, sp.SpikeSource())
teacher = sp.Population("teacher", lags.size, sp.SpikeSource())
post = sp.Population("post", lags.size, sp.LIF(tau_mem="1 ms", tau_syn="1 ms"))
network = sp.Network(
    sp.Projection(pre, post, weight=0.1, connectivity=sp.OneToOne(), rule=rule, name="learning"),
    sp.Projection(teacher, post, weight=3.0, connectivity=sp.OneToOne()),
)

given = {"pre": np.zeros((200, lags.size), bool), "teacher": np.zeros((200, lags.size), bool)}
given["pre"][100] = True
given["teacher"][99 + lags, np.arange(lags.size)] = True  # the post-synaptic neuron fires a step later

with sp.open(network, backend="reference") as session:
    session.step("200 ms", spikes=given)
    change = session.weights("learning")[0] - 0.1

# %%
window = np.where(lags >= 0, 0.010 * np.exp(-np.abs(lags) / 15), 0) - np.where(
    lags <= 0, 0.006 * np.exp(-np.abs(lags) / 30), 0
)
assert np.allclose(change, window, rtol=0, atol=1e-12)

figure, axes = plt.subplots(figsize=(6.2, 2.6))
axes.axhline(0, color=GREY, linewidth=0.8)
axes.plot(lags[lags > 0], window[lags > 0], color=GREY, linewidth=1)
axes.plot(lags[lags < 0], window[lags < 0], color=GREY, linewidth=1, label="amplitude × exp(−|lag| / τ)")
axes.plot(lags[::4], change[::4], "o", color=BLUE, markersize=3.5, label="measured")
axes.set(xlabel="Post-synaptic minus pre-synaptic spike (ms)", ylabel="Change of the weight", title="The STDP window")
axes.legend()
plt.show()

# %% [markdown]
# At a lag of zero both terms act: products are read after the traces have jumped, so each spike finds the other.
#
# ## 3. A third factor
#
# Reward comes late. In the dopamine-gated rule, STDP feeds an *eligibility* `c`, which decays, and dopamine turns it
# into a change of the weight:
#
# $$ \dot w = \eta\; d\; c, \qquad \tau_c \dot c = -c + \text{STDP} . $$
#
# One pair of spikes at 1 s, and a pulse of dopamine of 50 ms before or after it. A batch runs many delays at once:
# each instance gets its own dopamine.

# %%
dopamine = sp.Modulator("dopamine")
rule = sp.dopamine_stdp(dopamine, tau_elig="500 ms", a_plus=0.1, a_minus=0.1, rate=0.01)
pre = sp.Population("pre", 1, sp.SpikeSource((0,), ("1 s",)))
teacher = sp.Population("teacher", 1, sp.SpikeSource((0,), ("1.004 s",)))
post = sp.Population("post", 1, sp.LIF(tau_mem="1 ms", tau_syn="1 ms"))
network = sp.Network(
    sp.Projection(pre, post, weight=0.1, rule=rule, name="learning"), sp.Projection(teacher, post, weight=3.0)
)

delays = np.array([-700, -300, -100, 30, 100, 200, 300, 450, 600, 800, 1000, 1300, 1600, 2000, 2500])  # ms
pulse = np.zeros((3700, delays.size))  # [time, batch]
for instance, delay in enumerate(delays):
    pulse[1005 + delay : 1055 + delay, instance] = 1.0

with sp.open(network, backend="reference", batch=delays.size) as session:
    session.step("3.7 s", modulators={"dopamine": pulse})
    change = session.weights("learning")[:, 0] - 0.1

# %%
after = np.arange(0, 2551)
tag = 0.1 * np.exp(-5 / 20) * np.exp(-after / 500)  # the post-synaptic spike comes 5 ms after the pre-synaptic one
expected = np.convolve(0.01 * tag, np.ones(50), "valid")
assert np.allclose(change[delays > 0], expected[delays[delays > 0]], rtol=1e-9)
assert (change[delays < 0] == 0).all()

figure, axes = plt.subplots(figsize=(6.2, 2.6))
axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
axes.annotate("the pair", (0, expected[0]), (-4, 0), textcoords="offset points", ha="right", va="top", color=GREY)
axes.plot(after[: expected.size], expected, color=GREY, linewidth=1, label="closed form")
axes.plot(delays, change, "o", color=GREEN, markersize=4, label="simulated")
axes.set(xlabel="Dopamine after the pair (ms)", ylabel="Change of the weight", title="What dopamine finds, it changes")
axes.legend()
plt.show()

# %% [markdown]
# Dopamine that comes before finds nothing. Plasticity in the striatum behaves like this, with a window of 0.3 to 2 s
# (Yagishita et al. 2014).
#
# ## 4. The same network on two simulators
#
# What has been described so far runs on any back end: `reference` is plain NumPy, `norse` runs on torch, on CPU or
# GPU, and `brian2` (not used here, since it first compiles) on Brian2. They hear the same random input, compute the
# same step, and so spike alike: not on average, but spike for spike.

# %%
cortex = sp.Population("cortex", 60, sp.Poisson("25 Hz"))
cells = sp.Population("cells", 30, sp.AdaptiveLIF(sp.LIF(refractory="2 ms"), tau_adapt="100 ms", adapt=0.2))
network = sp.Network(
    sp.Projection(
        cortex, cells, sp.Uniform(0.1, 0.6, seed=1), sp.Probability(0.5, seed=2), rule=sp.pair_stdp(), name="input"
    ),
    sp.Projection(cells, cells, -0.15, sp.AllToAll(self_connections=False), delay="3 ms", name="lateral"),
)

spikes, weights = {}, {}
for backend in ("reference", "norse"):
    with sp.open(network, backend, seed=3) as session:
        spikes[backend] = session.step("400 ms").spikes["cells"][:, 0]
        weights[backend] = session.weights("input")[0]

assert (spikes["reference"] == spikes["norse"]).all()
assert np.allclose(weights["reference"], weights["norse"], rtol=1e-9)
int(spikes["reference"].sum())  # so many, all the same

# %%
figure, axes = plt.subplots(figsize=(6.2, 2.8))
for backend, style in (
    ("reference", {"marker": "o", "facecolors": "none", "edgecolors": BLUE, "s": 30, "linewidths": 1.0}),
    ("norse", {"marker": "o", "color": ORANGE, "s": 7, "linewidths": 0}),
):
    step, neuron = np.nonzero(spikes[backend])
    axes.scatter(step, neuron, label=backend, **style)
axes.set(xlabel="Time (ms)", ylabel="Neuron", xlim=(0, 400), ylim=(-1, 30), title="Every dot lies in its circle")
figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
plt.show()

# %% [markdown]
# ## 5. A striatum that learns
#
# The circuit `striatum` puts these pieces together, after Neftci and Averbeck (2019). Cortex shows two options. Its
# synapses onto D1 and D2 neurons hold their values; the action with more D1 than D2 spikes is taken. After the
# outcome, reward excites a population of dopamine neurons and the value inhibits it, so that what it fires above or
# below its tonic rate is the reward prediction error, which gates plasticity with opposite signs in D1 and D2. Nothing
# outside the network computes a value or an error.
#
# In the task one option pays on 80 % of the trials, the other on 20 %, and after 14 trials they change places. (In the
# experiment that ships, blocks have 80 trials and the reversal comes on a random one from 30 to 50.)

# %%
results = sp.run(
    "reversal",
    backend="native",
    instances=16,
    trials=28,
    seed=7,
    settings={"task.trials_per_block": 28, "task.reversal_window": [14, 14]},
    out=tempfile.mkdtemp() + "/reversal",
)
trials = {name: column.reshape(28, 16) for name, column in results.trials.items()}  # [trial, instance]
trials["better"].mean(axis=1).round(2)

# %% [markdown]
# Three views of it. Left, how often the better option is taken. Middle, the mean weight of the cortical synapses onto
# D1 of the option that is better at first, and of the other one. Right, the dopamine neurons in the outcome, against
# their tonic rate in the silent interval: a reward that is not yet expected excites them, and an omitted one is a
# pause, the deeper the more was expected.

# %%
number = np.arange(1, 29)
first = trials["better_option"][0]  # of each instance
learned = results.weights["cortex_to_d1"]
option = learned.pre // (learned.pre.max() // 2 + 1)  # the cortex has one group for each option
by_option = np.stack([learned.value[:, :, option == k].mean(axis=2) for k in (0, 1)])  # [option, trial, instance]
better_first = np.take_along_axis(by_option, first[None, None], axis=0)[0].mean(axis=1)
other = np.take_along_axis(by_option, 1 - first[None, None], axis=0)[0].mean(axis=1)
paid = trials["reward"] > 0
tonic = trials["dopamine_interval"].mean()

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 2.9))
for axes in (left, middle, right):
    axes.axvline(14.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xlabel="Trial", xlim=(0.5, 28.5))
left.axhline(0.5, color=GREY, linewidth=0.8)
left.plot(number, trials["better"].mean(axis=1), color=BLUE)
left.annotate("reversal", (14.5, 1), (3, 0), textcoords="offset points", color=GREY, va="top")
left.annotate("chance", (28.5, 0.5), (0, 3), textcoords="offset points", color=GREY, ha="right")
left.set(ylim=(0, 1), title="P(better option)")
middle.plot(number, better_first, color=PURPLE, label="better at first")
middle.plot(number, other, color=GOLD, label="better after")
middle.set(title=f"Weight onto D1 ({results.contents.weights['cortex_to_d1'].units})")
middle.legend()
for kind, which, fill in (("rewarded", paid, GREEN), ("omitted", ~paid, "white")):
    pairs = zip(trials["dopamine_outcome"], which, strict=True)
    response = [rate[chosen].mean() if chosen.any() else np.nan for rate, chosen in pairs]
    right.plot(number, response, "o-", color=GREEN, markerfacecolor=fill, markersize=3.5, linewidth=0.9, label=kind)
right.axhline(tonic, color=GREY, linewidth=0.8)
right.annotate("tonic", (28.5, tonic), (0, 3), textcoords="offset points", color=GREY, ha="right")
right.set(ylim=(0, None), title="Dopamine in the outcome (Hz)")
right.legend()
plt.show()

# %%
learning, reversed_now = trials["better"][8:14].mean(), trials["better"][14:17].mean()
assert learning > 0.7 > 0.4 > reversed_now
assert better_first[13] > other[13] and better_first[27] < other[27]
assert trials["dopamine_outcome"][paid].mean() > tonic > trials["dopamine_outcome"][~paid].mean()

# %% [markdown]
# The results are a directory; `sp.report(results, "page.html")` writes the full page, with intervals, rasters and,
# where recorded blocks are replayed, the animals beside the circuit. On the command line the same is
# `spikerl run reversal` and `spikerl report DIR`.
