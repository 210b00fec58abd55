"""Which words are alike, from the company they keep in the policies that the weights learn from.

Two words are alike when the same words stand beside them (positive pointwise mutual information,
Levy and Goldberg 2014, in few dimensions by a singular value decomposition).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

from domain.materiality.words import roots

RAREST = 3  # texts
REACH = 4  # words to either side
DIMENSIONS = 60
RARE_WORDS_COUNT = 0.75  # the power that keeps rare neighbours from deciding (ibid.)

Vectors = Mapping[str, NDArray[np.float64]]


def word_vectors(texts: Iterable[str]) -> Vectors:
    """A vector of length 1 for each word's root that several texts have."""
    rooted = [roots(text) for text in dict.fromkeys(texts)]
    spread = Counter(chain.from_iterable(map(set, rooted)))
    known = sorted(root for root, count in spread.items() if count >= RAREST)
    place = {root: number for number, root in enumerate(known)}
    beside = _beside([[place.get(root, -1) for root in text] for text in rooted], len(known))
    reduced = TruncatedSVD(DIMENSIONS, algorithm="arpack", random_state=0).fit_transform(beside)
    # Each dimension counts with the root of its strength, not with all of it (ibid.).
    strengths = np.sqrt(np.linalg.norm(reduced, axis=0))
    return dict(zip(known, normalize(reduced / strengths), strict=True))


def _beside(texts: Iterable[list[int]], words: int) -> csr_matrix:
    """How much more often than by chance each word stands near each other one."""
    near: defaultdict[tuple[int, int], float] = defaultdict(float)
    for text in texts:
        for later, word in enumerate(text):
            for earlier in range(max(0, later - REACH), later):
                other = text[earlier]
                if min(word, other) >= 0 and word != other:
                    near[word, other] += 1 / (later - earlier)
                    near[other, word] += 1 / (later - earlier)
    rows, columns = (np.array(side) for side in zip(*near, strict=True))
    counts = np.fromiter(near.values(), dtype=float)
    of_word = np.bincount(rows, weights=counts, minlength=words)
    expected = of_word**RARE_WORDS_COUNT
    more = np.log(counts * expected.sum() / (of_word[rows] * expected[columns]))
    positive = more > 0
    return csr_matrix((more[positive], (rows[positive], columns[positive])), shape=(words, words))
