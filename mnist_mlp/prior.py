"""How likely a run of pieces is each digit, by what the network sees and by its size in the line."""

from __future__ import annotations

import numpy as np

from mnist_mlp.pieces import FREE, Pieces, Runs

# Log-probabilities, tuned on numbers of MNIST's training digits, of pen strokes and of scanned amounts.
EACH = -0.3  # a digit
CUT = -1.3  # for ink cut, in shares of the line's height
LOW = -15.0  # for each line's height that a digit is lower than LOW_BELOW
LOW_BELOW = 0.6
WIDE = -3.0  # for each line's height that a digit is wider than WIDE_ABOVE
WIDE_ABOVE = 1.1
GAP = -0.3  # a gap within a digit
MARK = -1.5  # a mark
TALL = -4.0  # for each line's height of a mark
TALLEST_MARK = 0.45


def run_scores(pieces: Pieces, runs: Runs, ink: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The score of each of m runs as each digit, and as a mark beside the digits: (m, 11) float64.

    A digit scores log P(it is that digit, and a digit at all), no digit being a class whose logit is 0.
    """
    height = len(pieces.ink)
    clear = np.greater(ink, 0.5)
    tall = _extent(clear.any(2)) / height
    wide = _extent(clear.any(1)) / height
    logits = logits.astype(np.float64)
    none = -np.logaddexp(0, np.logaddexp.reduce(logits, 1))
    gaps = np.cumsum(pieces.cost < FREE)
    size = LOW * np.maximum(LOW_BELOW - tall, 0) + WIDE * np.maximum(wide - WIDE_ABOVE, 0)
    digit = EACH + size + GAP * (gaps[runs.end - 1] - gaps[runs.first])
    mark = np.where(tall < TALLEST_MARK, MARK + TALL * tall, -np.inf)
    scores = np.concatenate([logits + (none + digit)[:, None], (none + mark)[:, None]], 1)
    return scores + CUT * pieces.cost[runs.end][:, None]


def _extent(clear: np.ndarray) -> np.ndarray:
    return clear.shape[1] - clear[:, ::-1].argmax(1) - clear.argmax(1)
