"""Training one network, iteration by iteration, with tests in between; every run gives the same bits."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from transferability.common.errors import TrainingError
from transferability.models.fast_forms import fast_form
from transferability.models.layered import LayeredModel
from transferability.study.training_settings import Settings
from transferability.tasks.task import Task
from transferability.training.batches import Pixels, batch_positions
from transferability.training.compilation import compiled
from transferability.training.evaluation import Answers, Evaluation, evaluate
from transferability.training.features import Inputs, head_inputs
from transferability.training.optimizers import new_optimizer, rate_factors
from transferability.training.precision import compute_deterministically, default_generator, precision_context
from transferability.training.preprocessing import Preparation
from transferability.training.views import Views

MEAN_IMAGE = "mean_image"  # name of the mean image among a base network's tensors


class Trainer:
    """Trains one network. After `run`, `network` holds its weights, `curve` its tests, and `answers` those of
    the last test.

    `seed_of` returns a seed for each purpose, `view_seed` one for each fixed view of the images. Training can stop
    after any iteration and resume from `state()` in another process; the result is the same bit for bit.

    With `settings.head_first` the training of a network with copied layers that learn, and new ones, has two phases: in
    the first, copied layers are frozen. Each phase runs through the learning-rate schedule from its start to its end.
    """

    def __init__(
        self,
        name: str,
        network: LayeredModel,
        task: Task,
        preparation: Preparation,
        settings: Settings,
        seed_of: Callable[..., int],
        view_seed: Callable[[int], int],
        device: torch.device,
    ):
        compute_deterministically(device)
        self.name, self.settings, self.device = name, settings, device
        self.iteration = 0
        self.curve: list[Evaluation] = []
        self.answers = Answers(torch.empty(0), torch.empty(0))
        self._train_loss = torch.zeros((), device=device)  # since the last test
        self._seed_of, self._view_seed, self._task, self._preparation = seed_of, view_seed, task, preparation
        self.network = network
        self._precision = partial(precision_context, settings.precision, device)
        self._optimizer = new_optimizer(network.model, settings, rate_factors(network, settings.layer_decay))
        self._frozen = network.frozen
        waits = network.frozen < network.copied < len(network.layers)
        self._head_end = math.floor(settings.head_first * settings.iterations) if waits else 0
        self._begin_phase()

    def run(self, on_iteration: Callable[["Trainer"], None], on_test: Callable[["Trainer", float], None]) -> None:
        """Train to the end, calling `on_iteration` after every iteration and `on_test` after every test.

        `on_iteration` may save the state, or stop the training by raising; `on_test` also gets the sum of the training
        losses since the last test. Raises TrainingError if the loss is not finite.
        """
        while self.iteration < self.settings.iterations:
            if self.iteration == self._phase_end:
                self._begin_phase()
            self._run_phase(on_iteration, on_test)

    def _run_phase(self, on_iteration: Callable, on_test: Callable) -> None:
        generator = default_generator(self.device)
        for inputs, labels in self._train.batches(self._positions()):
            generator.manual_seed(self._seed_of("iteration", self.iteration))  # for crops, mirrors and dropout
            self._train_loss += self._step(inputs, labels)
            self.iteration += 1
            if self.iteration % self.settings.evaluate_every == 0 or self.iteration == self.settings.iterations:
                self.curve.append(self.test())
                self._check_finite()
                on_test(self, self._train_loss.item())
                self._train_loss.zero_()
            on_iteration(self)

    def state(self) -> dict:
        """Return the state that a later `resume` needs; tensors are shared with this object, not copied.

        Raises TrainingError if the loss is not finite: a training run cannot recover from that.
        """
        self._check_finite()
        return {
            "iteration": self.iteration,
            "network": self.network.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "curve": [asdict(test) for test in self.curve],
            "answers": tuple(self.answers),
        }

    def result(self) -> dict[str, torch.Tensor]:
        """Return the tensors that a transfer from this network needs, on the CPU: weights, and any mean image."""
        mean = {MEAN_IMAGE: self._preparation.mean} if self._preparation.mean.dim() == 3 else {}
        tensors = self.network.model.state_dict() | mean
        return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}

    def resume(self, state: Mapping) -> None:
        """Resume from a state that `state` returned."""
        self.iteration = state["iteration"]
        self.network.load(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.curve = [Evaluation(**test) for test in state["curve"]]
        self.answers = Answers(*state["answers"])
        if 0 < self._head_end <= self.iteration:
            self._begin_phase()

    def _begin_phase(self) -> None:
        """Begin the phase of the next iteration: freeze its layers, compute the features that are fixed in it."""
        waiting = self.iteration < self._head_end
        begin, end = (0, self._head_end) if waiting else (self._head_end, self.settings.iterations)
        self._phase_begin, self._phase_end = begin, end
        self._schedule = replace(self.settings, iterations=end - begin)
        self.network.freeze(self.network.copied if waiting else self._frozen)
        fixed, self._head = self.network.split()
        self._val = self._train = None  # frees the features of the phase before
        self._val = Inputs(Pixels(self._task.val, self.device, self._preparation.bgr), self._centre(fixed))
        self._train = self._training_inputs(fixed)
        self._loss = step_loss(fixed, self._head, self._preparation, self.settings, self.device)

    def _centre(self, fixed: nn.Sequential) -> Callable:
        return self._without_gradients(partial(head_inputs, self._preparation.test, fixed))

    def _training_inputs(self, fixed: nn.Sequential) -> Pixels | Inputs:
        """Return what `step_loss` takes: images, or features of the fixed modules."""
        pixels, preparation = Pixels(self._task.train, self.device, self._preparation.bgr), self._preparation
        if preparation.views is None:
            return pixels
        if not preparation.random:
            return Inputs(pixels, self._centre(fixed))
        # Drawn on the CPU, so that they are the same on every device.
        seeds = [torch.Generator().manual_seed(self._view_seed(view)) for view in range(preparation.views)]
        draws = torch.cat([preparation.draw(len(pixels), torch.device("cpu"), seed) for seed in seeds], 1)
        views = Views(pixels, draws, self._without_gradients(preparation.train))
        # In batches of the same size as where features are computed again, which rounds alike.
        return Inputs(views, self._without_gradients(fixed), self.settings.batch_size)

    def _positions(self) -> Iterator[torch.Tensor]:
        return batch_positions(
            len(self._task.train),
            self.settings.batch_size,
            self.iteration,
            self._phase_end,
            partial(self._seed_of, "order"),
            self._preparation.views or 1,
        )

    def _step(self, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with self._precision():
            loss = self._loss(inputs, labels)
        loss.backward()
        self._optimizer.step(self._schedule.rate_at(self.iteration - self._phase_begin))
        return loss.detach()

    def _without_gradients(self, compute: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def computed(*tensors: torch.Tensor) -> torch.Tensor:
            """Call `compute` without gradients, in the precision of this training run."""
            with torch.no_grad(), self._precision():
                return compute(*tensors)

        return computed

    def test(self) -> Evaluation:
        """Test on all validation images."""
        self.network.eval()
        with torch.inference_mode(), self._precision():
            test, self.answers = evaluate(self._head, self._val, self.iteration)
        self.network.train()
        return test

    def _check_finite(self) -> None:
        tests = [test.loss for test in self.curve[-1:]]
        if not all(map(math.isfinite, [self._train_loss.item(), *tests])):
            raise TrainingError(
                f"{self.name}: the loss is not finite at iteration {self.iteration}; "
                "lower config key training.learning_rate"
            )


def batch_loss(network: Callable, smoothing: float, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean loss of a batch, whose gradients train a network: a scalar.

    A share `smoothing` of each label's probability is spread over all labels (Szegedy et al. 2016).
    """
    return functional.cross_entropy(network(inputs), labels, label_smoothing=smoothing)


def step_loss(
    fixed: nn.Sequential, head: nn.Sequential, preparation: Preparation, settings: Settings, device: torch.device
) -> Callable:
    """Return the function of a training step: it takes a batch and its labels, and returns the loss, a scalar.

    If each epoch draws new crops and mirrors, the batch holds images, and the step draws. Otherwise it holds the
    outputs of the fixed modules.
    """
    modules = nn.Sequential(fixed, head) if preparation.views is None else head
    if settings.compile and device.type == "cuda":
        modules = fast_form(modules)  # slower on a CPU
    network = partial(head_inputs, preparation.train, modules) if preparation.views is None else modules
    loss = partial(batch_loss, network, settings.label_smoothing)
    return compiled(loss) if settings.compile else loss
