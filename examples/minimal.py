"""A whole language model of poems in one file of NumPy: read, train by hand-derived gradients, sample.

Run: python examples/minimal.py [POEMS] [--check]

POEMS is a text file with one poem a line, such as

    曉覺春光薄，微聞曙漏催。香風透簾幕，花影拂窗開。

Without it, the Tang poems of `pingze corpus fetch` are read. With --check, the gradients are
compared with central differences, and nothing is trained. A step of 64 poems takes a third of a
second on one core of 2023, the whole run six minutes, or twice as long beside other work. It prints
how it goes every 50 steps.

Read it from top to bottom: it takes twenty minutes, or an hour with runs of your own. The letters
are those of docs/lstm-derivation.md, where each gradient is derived, and `pingze.lstm.formulas`
computes the same ones. B is the number of texts in a batch, V of different characters, E of entries
of an embedding, H of units, and T of steps.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

E = 128
H = 256
BATCH = 64
STEPS = 1000
LOOK = 50  # steps between two looks at the poems that are held out
PATIENCE = 2  # looks without a new best, after which training stops
RATE = 4e-3
CLIP = 1.0
EDGE = "\n"  # begins and ends a poem


# 1. The poems.


def read_texts(path=None):
    """Return the texts of a file, one a line, or of the corpus."""
    if path is not None:
        try:
            return Path(path).read_text(encoding="utf-8-sig").splitlines()
        except OSError as error:
            stop(f"{path} cannot be read: {error.strerror}")
        except UnicodeDecodeError:
            stop(f"{path} is no text in UTF-8")
    try:
        from pingze.corpus import Store
        from pingze.errors import CorpusError
    except ImportError:
        stop("the corpus is read by pingze: `pip install .`, or name a file with one poem a line")
    try:
        with Store.open() as store:
            return [poem.text for poem in store.poems(dynasty="tang", split="train")]
    except CorpusError as error:
        stop(f"{error}, or name a file with one poem a line")


def cut(text, characters):
    """Return a poem's first four lines if they have so many characters each, else None."""
    text = "".join(text.split())
    text = text.replace(",", "，").replace(".", "。")
    length = 4 * (characters + 1)
    first_mark = text[characters : characters + 1]
    second_mark = text[2 * characters + 1 : 2 * characters + 2]
    if len(text) < length or first_mark != "，" or second_mark != "。":
        return None
    return text[:length]


def choose_poems(texts):
    """Return the poems in lines of five, or of seven if these are more.

    All have the same length, so that no batch needs padding.
    """
    found = {}
    for characters in (5, 7):
        poems = [cut(text, characters) for text in texts]
        found[characters] = sorted({poem for poem in poems if poem is not None})
    chosen = max(found, key=lambda characters: len(found[characters]))
    poems = found[chosen]
    if len(poems) < 20:
        stop(
            f"{len(poems)} poems are of use; wanted are 20 or more, one a line, each of four lines or "
            "more of five or of seven characters, with ， or a comma after the first line and 。 or "
            "a full stop after the second"
        )
    print(f"{len(poems):,} poems in lines of {chosen}, cut to four lines; others are left out")
    return poems


def stop(message):
    """Print in one line what is wrong, and end."""
    print("minimal.py:", message, file=sys.stderr)
    sys.exit(2)


def encode(poems, characters):
    """Return the ids of poems as columns, (T+1, poems): EDGE, the poem, EDGE."""
    ids = {character: number for number, character in enumerate(characters)}
    rows = [[ids[character] for character in EDGE + poem + EDGE] for poem in poems]
    return np.array(rows).T


# 2. The network.


def sigmoid(x):
    """Compute 1 / (1 + e^-x). This form never overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def start(V, rng, dtype=np.float32, E=E, H=H):
    """Draw small random weights, so that no two units are equal.

    Normal ones are the simplest; part 2 of docs/training-explained.md compares them with others.
    The forget gate's bias is 1: a cell remembers at first.
    """

    def normal(rows, columns):
        # A product with n columns changes a vector's size by √n times the standard deviation.
        return rng.normal(0, columns**-0.5, (rows, columns)).astype(dtype)

    w = {}
    w["M"] = normal(V, E)  # the embedding: a row for each character, read and not multiplied
    w["W_x"] = normal(4 * H, E)  # the gates i, f, c̃, o, one below the other
    w["W_h"] = normal(4 * H, H)
    w["b"] = np.zeros(4 * H, dtype)
    w["b"][H : 2 * H] = 1
    w["U"] = normal(V, H)  # the output
    w["a"] = np.zeros(V, dtype)
    return w


def step(w, ids, h, c):
    """Read one character of each text.

    Return the next h and c, (B, H), and what the way back needs.
    """
    x = w["M"][ids]
    net = x @ w["W_x"].T + h @ w["W_h"].T + w["b"]
    net_i, net_f, net_c, net_o = np.split(net, 4, axis=1)
    i = sigmoid(net_i)
    f = sigmoid(net_f)
    g = np.tanh(net_c)  # g is c̃
    o = sigmoid(net_o)
    new_c = f * c + i * g
    tanh_c = np.tanh(new_c)
    new_h = o * tanh_c
    return new_h, new_c, (ids, x, h, c, i, f, g, o, tanh_c)


def forward(w, ids):
    """Read texts (T+1, B).

    Return the mean of -ln p of each next character, and what the way back needs.
    """
    T = len(ids) - 1
    B = ids.shape[1]
    H = w["W_h"].shape[1]
    # 1) Through time: every step predicts the character that the next one reads.
    h = np.zeros((B, H), w["b"].dtype)
    c = np.zeros((B, H), w["b"].dtype)
    hidden = []
    caches = []
    for t in range(T):
        h, c, cache = step(w, ids[t], h, c)
        hidden.append(h)
        caches.append(cache)
    hidden = np.concatenate(hidden)
    # 2) Softmax. The largest logit is taken off first, so that no e^x overflows.
    logits = hidden @ w["U"].T + w["a"]
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    # 3) Cross-entropy: how surprising the right characters were.
    targets = ids[1:].reshape(-1)
    loss = -np.log(p[np.arange(T * B), targets]).mean()
    return loss, (p, targets, hidden, caches)


def backward(w, cache):
    """Return the gradient of the loss by every weight."""
    p, targets, hidden, caches = cache
    T = len(caches)
    B = len(targets) // T
    H = w["W_h"].shape[1]
    d = {name: np.zeros_like(value) for name, value in w.items()}
    # 1) By a logit the gradient is p - 1 at the right character and p elsewhere, over the number of
    # predictions.
    dlogits = p.copy()
    dlogits[np.arange(T * B), targets] -= 1
    dlogits /= T * B
    d["U"] = dlogits.T @ hidden
    d["a"] = dlogits.sum(axis=0)
    dhidden = (dlogits @ w["U"]).reshape(T, B, H)
    # 2) Back through time: h_t feeds the output and the next step, so two gradients add. The numbers
    # are the terms of docs/lstm-derivation.md.
    dh = np.zeros((B, H), p.dtype)
    dc = np.zeros((B, H), p.dtype)
    for t in reversed(range(T)):
        ids, x, h, c, i, f, g, o, tanh_c = caches[t]
        dh = dh + dhidden[t]
        do = dh * tanh_c  # (1)
        dc = dc + dh * o * (1 - tanh_c**2)  # (2)
        dnet_i = dc * g * i * (1 - i)  # (4) (7)
        dnet_f = dc * c * f * (1 - f)  # (3) (8)
        dnet_c = dc * i * (1 - g**2)  # (5) (9)
        dnet_o = do * o * (1 - o)  # (10)
        dnet = np.concatenate([dnet_i, dnet_f, dnet_c, dnet_o], axis=1)
        # Added to the rows that were read. For an id that several texts read, += would keep only
        # one text's gradient.
        np.add.at(d["M"], ids, dnet @ w["W_x"])  # (11)
        d["W_x"] += dnet.T @ x  # (13)
        d["W_h"] += dnet.T @ h  # (14)
        d["b"] += dnet.sum(axis=0)  # (15)
        dh = dnet @ w["W_h"]  # (12)
        dc = dc * f  # (6)
    return d


def check_gradients():
    """Compare some entries of every gradient with central differences, in float64.

    Return whether all agree.
    """
    rng = np.random.default_rng(0)
    w = start(9, rng, np.float64, E=5, H=7)
    ids = rng.integers(9, size=(6, 3))
    _, cache = forward(w, ids)
    d = backward(w, cache)
    good = True
    for name, value in w.items():
        worst = 0.0
        for place in rng.integers(value.size, size=10):
            kept = value.flat[place]
            value.flat[place] = kept + 1e-5
            above, _ = forward(w, ids)
            value.flat[place] = kept - 1e-5
            below, _ = forward(w, ids)
            value.flat[place] = kept
            worst = max(worst, abs(d[name].flat[place] - (above - below) / 2e-5))
        good = good and worst < 1e-8
        print(f"d{name:3}: by hand and by central differences differ by {worst:.0e} at most")
    return good


# 3. Training.


def rate_at(n, steps):
    """Return the rate of step n: it rises for 50 steps, stays, and falls to 0 in the second half.

    It rises because Adam's first means are of few gradients. It falls because a large rate keeps
    shaking the weights around a good place.
    """
    rising = n / 50
    falling = 2 * (1 - n / (steps + 1))
    return RATE * min(1, rising, falling)


def adam(w, d, m, v, n, rate):
    """Clip the gradient's norm, then take Adam's n-th step.

    The step is a mean of gradients over the root of a mean of their squares.
    """
    norm = np.sqrt(sum(float((g * g).sum()) for g in d.values()))
    shorten = min(1.0, CLIP / norm)
    for name in w:
        g = d[name] * shorten
        m[name] += 0.1 * (g - m[name])
        v[name] += 0.001 * (g * g - v[name])
        # Both begin at 0; dividing by 1 - 0.9^n and 1 - 0.999^n takes that out of the means.
        mean = m[name] / (1 - 0.9**n)
        square = v[name] / (1 - 0.999**n)
        w[name] -= rate * mean / (np.sqrt(square) + 1e-8)


def loss_of(w, data):
    """Return the mean loss of texts, at most 512, a batch at a time."""
    losses = []
    for first in range(0, min(512, data.shape[1]), BATCH):
        batch = data[:, first : first + BATCH]
        loss, _ = forward(w, batch)
        losses += [loss] * batch.shape[1]
    return float(np.mean(losses))


# 4. Writing.


def generate(w, characters, rng, length, opening="", temperature=0.7):
    """Write on from an opening until the poem ends.

    Each character is drawn from p^(1/temperature), rescaled. The temperature is above 0.
    """
    ids = {character: number for number, character in enumerate(characters)}
    h = np.zeros((1, w["W_h"].shape[1]), w["b"].dtype)
    c = np.zeros_like(h)
    text = ""
    last = EDGE
    while len(text) < length:
        h, c, _ = step(w, [ids[last]], h, c)
        if len(text) < len(opening):
            last = opening[len(text)]  # what is given is read, not drawn
        else:
            logits = (h @ w["U"].T + w["a"])[0].astype(float) / temperature
            p = np.exp(logits - logits.max())
            last = characters[rng.choice(len(p), p=p / p.sum())]
        if last == EDGE:
            break
        text += last
    return text


# 5. All together.


def main(path=None, steps=STEPS):
    """Train. Every `LOOK` steps print both losses and a poem, always with one opening and one seed."""
    rng = np.random.default_rng(1)
    poems = choose_poems(read_texts(path))
    rng.shuffle(poems)
    characters = sorted(set("".join(poems)) | {EDGE})
    data = encode(poems, characters)
    # A tenth is held out: no step reads it, so its loss says what was learnt and not what was
    # memorized.
    held_out = len(poems) // 10
    train = data[:, held_out:]
    dev = data[:, :held_out]
    known = set(poems[held_out:])
    print(f"{len(characters):,} characters; {held_out:,} poems are held out")
    w = start(len(characters), rng)
    m = {name: np.zeros_like(value) for name, value in w.items()}
    v = {name: np.zeros_like(value) for name, value in w.items()}
    best = np.inf
    best_w = w
    looks_since = 0
    losses = []
    opening = "日" if "日" in characters else ""
    begun = time.time()
    for n in range(1, steps + 1):
        batch = train[:, rng.integers(train.shape[1], size=BATCH)]  # columns drawn at random
        loss, cache = forward(w, batch)
        adam(w, backward(w, cache), m, v, n, rate_at(n, steps))
        losses.append(loss)
        if n != 1 and n % LOOK != 0:
            continue
        # A look: the mean loss of the steps since the last one, the held-out loss, and a poem.
        dev_loss = loss_of(w, dev)
        poem = generate(w, characters, np.random.default_rng(7), len(poems[0]), opening)
        # A poem that is a training poem, to the character, was learnt by heart.
        note = "  (a training poem)" if poem in known else ""
        print(
            f"step {n:4} {time.time() - begun:4.0f} s: nats {np.mean(losses):.2f} in training, "
            f"{dev_loss:.2f} held out (perplexity {np.exp(dev_loss):.1f})  {poem}{note}",
            flush=True,
        )
        losses = []
        if dev_loss < best:
            best = dev_loss
            best_w = {name: value.copy() for name, value in w.items()}
            looks_since = 0
        else:
            looks_since += 1
        if looks_since == PATIENCE:
            print("The held-out loss has turned: from here on it would only memorize.")
            break
    print(f"best: {best:.2f} nats a character held out, perplexity {np.exp(best):.1f}")
    return best_w, characters


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("poems", nargs="?", metavar="POEMS", help="one poem a line")
    parser.add_argument("--check", action="store_true", help="check the gradients, and end")
    arguments = parser.parse_args()
    if arguments.check:
        sys.exit(0 if check_gradients() else 1)
    main(arguments.poems)
