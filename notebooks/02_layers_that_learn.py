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
# # Layers that learn while their input runs
#
# Deep continuous local learning (Kaiser, Mostafa and Neftci 2020): every layer of spiking neurons has a fixed random
# readout of its own, and changes its weights, step by step, so that this readout is right. Nothing goes back through
# layers or through time. Four steps: what a layer computes, its gradient held against autograd, digits, and a network
# that follows curves.
#
# The whole notebook takes about a minute.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from spikerl.datasets import DigitsSettings, Fig4Settings, RateCode, load_dataset
from spikerl.dcll import Dense, Description, Filters, Loss, Network, Readout, Trainer, Training
from spikerl.dcll.gradients import by_autograd, by_hand

torch.set_num_threads(1)
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0067a8", "#c95000", "#007a5a", "#85409d", "#62686f"
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
# ## 1. What a layer computes
#
# Each input is filtered twice, and a neuron sums what comes of it. It has no reset: after a spike, a refractory term
# holds it down for a while.
#
# $$Q \leftarrow \beta Q + (1-\beta) S_{in}, \qquad P \leftarrow \alpha P + (1-\alpha) Q_{prev},$$
# $$R \leftarrow \alpha_r R - (1-\alpha_r) S_{prev}, \qquad U = W P + b + R, \qquad S = [U > 0].$$

# %%
one = Network(Description((1,), (Dense(1),), 1, Filters("20 ms", "7.5 ms", "10 ms")), dtype=torch.float64)
one.parameters[0].weight.fill_(12.0)
one.parameters[0].bias.fill_(-0.2)
states = one.silent(batch=1)
heard = np.zeros(120)
heard[[5, 20, 24, 28, 70]] = 1
rows = []
for spike in heard:
    seen = one.advance(states, torch.full((1, 1), spike, dtype=torch.float64))[0]
    rows.append([float(states[0].q), float(states[0].p), float(states[0].r), float(seen.u), float(seen.s)])
q, p, r, u, s = np.array(rows).T

figure, axes = plt.subplots(2, 1, sharex=True, figsize=(6.5, 3.4))
axes[0].vlines(np.flatnonzero(heard), 0, 0.12, color=GREY, label="input spikes")
axes[0].plot(q, color=ORANGE, label="Q")
axes[0].plot(p, color=BLUE, label="P, what the rule will see")
axes[0].legend(loc="upper right", ncols=3)
axes[1].axhline(0, color=GREY, linewidth=0.8)
axes[1].plot(u, color=GREEN, label="U")
axes[1].plot(r, color=PURPLE, label="R")
axes[1].vlines(np.flatnonzero(s), 0.75, 0.95, color=GREEN, label="spikes")
axes[1].set_xlabel("Time (ms)")
axes[1].legend(loc="lower right", ncols=3)
plt.show()
assert s.sum() > 2 and p.argmax() > q.argmax()

# %% [markdown]
# ## 2. The gradient of a layer, by hand
#
# The readout of a layer is $Y = G S$, with $G$ fixed. With $e = \partial L / \partial Y$, and a surrogate $\sigma'$ for
# the derivative of the step,
#
# $$\frac{\partial L}{\partial W_{ij}} = \underbrace{\sigma'(U_i) \sum_k G_{ki} e_k}_{m_i} \; P_j .$$
#
# That is a three-factor rule: a filtered input, and a modulator that every neuron has for itself. It needs no graph.
# Held against autograd through Norse's surrogate:

# %%
description = Description((50,), (Dense(40), Dense(30)), 3, readout=Readout(2.0), gain=5.0)
network = Network(description, seed=1, dtype=torch.float64)
states = network.silent(batch=8)
generator = np.random.default_rng(0)
for _ in range(40):
    now = torch.tensor(generator.random((8, 50)) < 0.1, dtype=torch.float64)
    seen = network.advance(states, now)
target = torch.eye(3, dtype=torch.float64)[generator.integers(0, 3, 8)]
for number, layer in enumerate(description.layers):
    here = (layer, network.parameters[number], states[number], seen[number], target, Loss.CROSS_ENTROPY)
    ours, theirs = by_hand(*here).weight, by_autograd(*here).weight
    difference = float((ours - theirs).norm() / theirs.norm())
    print(f"layer {number + 1}: {difference:.1e} between them, of a gradient of {float(theirs.norm()):.2g}")
    assert difference < 1e-9

# %% [markdown]
# ## 3. Digits by other writers
#
# Scikit-learn's handwritten digits become spikes, the brighter the more. Two small layers learn for five epochs; each
# is asked through its own readout. `spikerl run dcll-digits` does it with convolutions, longer, and five times.

# %%
digits = load_dataset("digits", DigitsSettings(RateCode("600 Hz"), window="60 ms", shift=1), seed=1)
filters = Filters("10 ms", "4 ms", "2.5 ms")
description = Description((1, 8, 8), (Dense(128), Dense(128)), 10, filters, Readout(12.0), gain=2.0)
network = Network(description, seed=1)
trainer = Trainer(network, Training(rate=2e-3, keep=0.9, every=5, schedule="chunks"), seed=1)
accuracy = [trainer.evaluate(digits.test).accuracy()]
for _ in range(5):
    trainer.train(digits.train)
    accuracy.append(trainer.evaluate(digits.test).accuracy())

figure, axes = plt.subplots(1, 2, figsize=(6.5, 2.6), width_ratios=(1, 1.2))
axes[0].plot(np.array(accuracy), marker="o", markersize=3)
axes[0].axhline(0.1, color=GREY, linestyle=":")
axes[0].set(xlabel="Epoch", ylabel="Accuracy", ylim=(0, 1))
axes[0].legend(["layer 1", "layer 2", "chance"], loc="lower right")
fields = network.parameters[0].weight.numpy().reshape(-1, 8, 8)[:18].reshape(3, 6, 8, 8)
edge = np.abs(fields).max()
axes[1].imshow(fields.transpose(0, 2, 1, 3).reshape(24, 48), cmap="RdBu_r", vmin=-edge, vmax=edge)
axes[1].set(xticks=[], yticks=[], title="fields of the first layer")
plt.show()
print(f"after {trainer.epoch} epochs: layer 1 {accuracy[-1][0]:.3f}, layer 2 {accuracy[-1][1]:.3f}")
assert accuracy[0].max() < 0.3 and accuracy[-1].min() > 0.75

# %% [markdown]
# ## 4. Curves
#
# The regression of Neftci and Averbeck (2019, Fig. 4): one frozen pattern of Poisson spikes, and a ramp and two waves
# that the readouts shall follow. Here two layers, for a third of the epochs of `spikerl run dcll-fig4`.

# %%
curves = load_dataset("fig4", Fig4Settings(), seed=1)
network = Network(Description((100,), (Dense(256), Dense(256)), 3, readout=Readout(0.3), gain=5.0), seed=1)
trainer = Trainer(network, Training(Loss.SMOOTH_L1, rate=5e-3, keep=0.95, every=5, burn_in=0))
for _ in range(40):
    trainer.follow(curves.inputs, curves.targets)
readouts = trainer.readouts(curves.inputs)[-1, :, 0]

figure, axes = plt.subplots(3, 1, sharex=True, figsize=(6.5, 3.6))
for one, name, readout, target in zip(axes, curves.outputs, readouts.T, curves.targets.T, strict=True):
    one.plot(readout, color=BLUE, linewidth=0.8)
    one.plot(target, "--", color="black", linewidth=1.0)
    one.set_ylabel(name, rotation=0, ha="right", va="center")
axes[-1].set_xlabel("Time (ms)")
plt.show()
correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(readouts.T, curves.targets.T, strict=True)]
print("correlations", np.round(correlation, 3))
assert min(correlation) > 0.8
