"""The whole system in one file: read poems, train an LSTM by hand-derived gradients, sample while it learns.

Run: python examples/minimal.py [POEMS]

POEMS is a text file with one poem a line; by default, the Tang poems of `pingze corpus fetch`. The
letters are those of docs/lstm-derivation.md, and `pingze.lstm.formulas` computes the same
gradients.
"""

import sys
import time
from pathlib import Path

import numpy as np

LENGTH = 24  # four lines of five characters, with their marks
BATCH, E, H = 64, 128, 256
STEPS, RATE, CLIP = 1500, 4e-3, 1.0
EDGE = "\n"  # begins and ends a poem


def read_poems(path=None):
    """The first four lines of each poem in lines of five."""
    if path:
        try:
            texts = Path(path).read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            stop(f"{path} cannot be read: {error}")
    else:
        from pingze.corpus import Store
        from pingze.errors import CorpusError

        try:
            with Store.open() as store:
                texts = [poem.text for poem in store.poems(dynasty="tang", split="train")]
        except CorpusError as error:
            stop(f"{error}, or name a file with one poem a line")
    poems = [
        text[:LENGTH]
        for text in texts
        if len(text) >= LENGTH and text[5] == "，" and text[11] == "。"
    ]
    if not poems:
        stop("no poem is in lines of five with ， and 。")
    return poems


def stop(message):
    """Say in one line what is wrong, and end."""
    print("minimal.py:", message, file=sys.stderr)
    sys.exit(2)


def sigmoid(x):
    """Compute 1 / (1 + e^-x)."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def start(V, rng):
    """Small random weights; the forget gate's bias is 1, so that a cell remembers at first."""
    normal = lambda *shape: rng.normal(0, shape[-1] ** -0.5, shape).astype(np.float32)  # noqa: E731
    w = {
        "M": normal(V, E),
        "W_x": normal(4 * H, E),
        "W_h": normal(4 * H, H),
        "b": np.zeros(4 * H, np.float32),
    }
    w |= {"U": normal(V, H), "a": np.zeros(V, np.float32)}
    w["b"][H : 2 * H] = 1
    return w


def step(w, ids, h, c):
    """One step of a batch: the next h and c, and what the backward pass needs."""
    x = w["M"][ids]
    net_i, net_f, net_c, net_o = np.split(x @ w["W_x"].T + h @ w["W_h"].T + w["b"], 4, axis=1)
    i, f, g, o = sigmoid(net_i), sigmoid(net_f), np.tanh(net_c), sigmoid(net_o)  # g is c̃
    new_c = f * c + i * g
    tanh_c = np.tanh(new_c)
    return o * tanh_c, new_c, (ids, x, h, c, i, f, g, o, tanh_c)


def loss_and_gradients(w, ids):
    """Mean -ln p of each next character of texts (T+1, B), and its gradient by every weight."""
    T, B = len(ids) - 1, ids.shape[1]
    # 1) Forward through time.
    h = c = np.zeros((B, H), np.float32)
    caches, hs = [], []
    for t in range(T):
        h, c, cache = step(w, ids[t], h, c)
        caches.append(cache)
        hs.append(h)
    hidden, targets = np.concatenate(hs), ids[1:].reshape(-1)
    # 2) Softmax and cross-entropy: the gradient by a logit is (p - 1[target]) / N.
    p = hidden @ w["U"].T + w["a"]
    p -= p.max(axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    correct = np.arange(T * B), targets
    loss = -np.log(p[correct]).mean()
    p[correct] -= 1
    p /= T * B
    d = {name: np.zeros_like(value) for name, value in w.items()}
    d["U"], d["a"] = p.T @ hidden, p.sum(axis=0)
    dhs = (p @ w["U"]).reshape(T, B, H)
    # 3) Backward through time: h_t feeds the output and the next step, so two gradients add.
    dh = dc = np.zeros((B, H), np.float32)
    for t in reversed(range(T)):
        step_ids, x, h, c, i, f, g, o, tanh_c = caches[t]
        dh = dh + dhs[t]
        dc = dc + dh * o * (1 - tanh_c**2)
        dnet = [
            dc * g * i * (1 - i),
            dc * c * f * (1 - f),
            dc * i * (1 - g**2),
            dh * tanh_c * o * (1 - o),
        ]
        dnet = np.concatenate(dnet, axis=1)
        d["W_x"] += dnet.T @ x
        d["W_h"] += dnet.T @ h
        d["b"] += dnet.sum(axis=0)
        np.add.at(d["M"], step_ids, dnet @ w["W_x"])
        dh, dc = dnet @ w["W_h"], dc * f
    return loss, d


def adam(w, d, moments, n, rate):
    """Clip the gradients' common norm, then take Adam's n-th step: bias-corrected mean over root mean square."""
    norm = np.sqrt(sum(float((g * g).sum()) for g in d.values()))
    for name, g in d.items():
        g *= min(1.0, CLIP / norm)
        m, v = moments.setdefault(name, [np.zeros_like(g), np.zeros_like(g)])
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        w[name] -= rate * (m / (1 - 0.9**n)) / (np.sqrt(v / (1 - 0.999**n)) + 1e-8)


def generate(w, characters, rng, opening="", temperature=0.7):
    """Write on from an opening, each character drawn from p^(1/temperature), until the poem ends."""
    ids = {character: n for n, character in enumerate(characters)}
    h = c = np.zeros((1, H), np.float32)
    text = EDGE
    while len(text) <= LENGTH and text[1:][-1:] != EDGE:
        h, c, _ = step(w, [ids[text[-1]]], h, c)
        if len(text) <= len(opening):
            text += opening[len(text) - 1]
            continue
        logits = (h @ w["U"].T + w["a"])[0].astype(float) / temperature
        p = np.exp(logits - logits.max())
        text += characters[rng.choice(len(p), p=p / p.sum())]
    return text.strip()


def main(path=None, steps=STEPS):
    """Train, printing the loss and a poem with the same opening and seed every hundred steps."""
    rng = np.random.default_rng(1)
    poems = read_poems(path)
    characters = sorted(set("".join(poems)) | {EDGE})
    ids = {character: n for n, character in enumerate(characters)}
    data = np.array([[ids[character] for character in EDGE + poem + EDGE] for poem in poems])
    print(f"{len(poems):,} poems, {len(characters):,} characters")
    w, moments, begun = start(len(characters), rng), {}, time.time()
    for n in range(1, steps + 1):
        loss, d = loss_and_gradients(w, data[rng.integers(len(data), size=BATCH)].T)
        adam(w, d, moments, n, RATE * min(1, n / 50, 2 * (1 - n / (steps + 1))))
        if n == 1 or n % 100 == 0:
            sample = generate(w, characters, np.random.default_rng(7), "日" if "日" in ids else "")
            seconds = time.time() - begun
            print(
                f"{n:5} {seconds:4.0f} s  {loss:.2f} nats, perplexity {np.exp(loss):6.1f}  {sample}",
                flush=True,
            )
    return w, characters


if __name__ == "__main__":
    main(*sys.argv[1:2])
