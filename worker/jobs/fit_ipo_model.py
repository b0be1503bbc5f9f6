"""Job: fit the regression of expected listing prices anew over the kept history."""

from api.bootstrap import Services
from api.ipos.model import FEWEST
from worker.jobs.notes import RunNotes


async def fit_ipo_model(services: Services, notes: RunNotes) -> None:
    """Fit and keep; with too short a history the model in use stays."""
    model, usable = await services.ipos.fit_model()
    notes.count("usable", usable)
    if model is None:
        notes.log(f"{usable} offerings have every figure; {FEWEST} that differ are needed. The model in use stays.")
    else:
        notes.log(
            f"{model.sample_size} offerings, R² {model.r_squared:.2f}, mean error {model.out_of_sample_error:.2f} times the offer price "
            f"(guessing the mean: {model.baseline_error:.2f})"
        )
