"""Expected listing price: ordinary least squares of the multiple (highest price by offer price) over the kept history. Pure.

A model is data: four numbers, how many offerings they rest on, and how far off they are for offerings that they were not fitted on. It is a
rough guess and is shown as such.
"""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from api.ipos.offering import Offering

FEWEST = 12
"""Offerings below which no model is fitted: three for each coefficient."""

_FOLDS = 5
_KRW_100M = 100
LOWEST_MULTIPLE, HIGHEST_MULTIPLE = 0.6, 4.0
"""Range of the first day's price since 2023-06-26 (KRX): 60 to 400 % of the offer price. A guess beyond it is cut off."""


class Model(Struct, frozen=True, kw_only=True):
    """``multiple = intercept + revenue * (revenue in 억원) + institution_rate * rate + lockup * percent``.

    Attributes:
        sample_size: Offerings that it rests on.
        r_squared: Share of the variance that it explains of these.
        out_of_sample_error: Mean absolute error of the multiple over folds that were left out of the fit.
        baseline_error: The same for a guess of the mean: a model that is no better knows nothing.
        site_nos: Which offerings.
    """

    intercept: float
    revenue: float
    institution_rate: float
    lockup: float
    sample_size: int
    r_squared: float
    out_of_sample_error: float
    baseline_error: float
    site_nos: tuple[int, ...]
    fitted_at: datetime

    def multiple(self, offering: Offering) -> float | None:
        """The expected multiple; None where the offering lacks a figure, as SPACs always do."""
        row = features_of(offering)
        if row is None:
            return None
        found = self.intercept + self.revenue * row[0] + self.institution_rate * row[1] + self.lockup * row[2]
        return min(max(found, LOWEST_MULTIPLE), HIGHEST_MULTIPLE)


def features_of(offering: Offering) -> tuple[float, float, float] | None:
    """Revenue (억원), institutions' rate and lock-up percent; None where one is not known, and for a SPAC."""
    revenue, rate, lockup = offering.revenue_krw_million, offering.institution_rate, offering.lockup_pct
    if offering.is_spac or revenue is None or rate is None or lockup is None:
        return None
    return revenue / _KRW_100M, float(rate), float(lockup)


def highest_of(offering: Offering) -> int | None:
    """The highest price after the listing: as a person typed it, else the higher of the first day's open and close."""
    if offering.highest_price is not None:
        return offering.highest_price
    known = [price for price in (offering.open_price, offering.first_close) if price]
    return max(known, default=None)


def usable(history: Sequence[Offering]) -> list[tuple[int, tuple[float, ...], float]]:
    """Number, inputs and multiple of those that have every figure, by number."""
    rows: list[tuple[int, tuple[float, ...], float]] = []
    for offering in sorted(history, key=lambda each: each.site_no):
        features, highest = features_of(offering), highest_of(offering)
        if features is not None and highest and offering.final_price:
            rows.append((offering.site_no, (1.0, *features), highest / offering.final_price))
    return rows


def fit(history: Sequence[Offering], at: datetime) -> Model | None:
    """Fit a model; None where too few offerings have every figure, or all have the same.

    The folds go by the site's number, so that the same history gives the same model.
    """
    rows = usable(history)
    if len(rows) < FEWEST:
        return None
    inputs, multiples = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    if np.linalg.matrix_rank(inputs) < inputs.shape[1]:
        return None
    coefficients = _solve(inputs, multiples)
    spread = float(((multiples - multiples.mean()) ** 2).sum())
    left = float(((multiples - inputs @ coefficients) ** 2).sum())
    errors, baseline = [], []
    for fold in range(_FOLDS):
        out = np.arange(len(rows)) % _FOLDS == fold
        fitted = _solve(inputs[~out], multiples[~out])
        errors += list(np.abs(multiples[out] - inputs[out] @ fitted))
        baseline += list(np.abs(multiples[out] - multiples[~out].mean()))
    return Model(
        intercept=float(coefficients[0]),
        revenue=float(coefficients[1]),
        institution_rate=float(coefficients[2]),
        lockup=float(coefficients[3]),
        sample_size=len(rows),
        r_squared=1 - left / spread if spread else 1.0,
        out_of_sample_error=float(np.mean(errors)),
        baseline_error=float(np.mean(baseline)),
        site_nos=tuple(row[0] for row in rows),
        fitted_at=at,
    )


def _solve(inputs: "NDArray[np.float64]", outputs: "NDArray[np.float64]") -> "NDArray[np.float64]":
    found: NDArray[np.float64] = np.linalg.lstsq(inputs, outputs, rcond=None)[0].astype(np.float64)
    return found
