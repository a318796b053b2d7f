"""The training step against a plain one, and the moving average and the settings by hand."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.flop_counter import FlopCounterMode

from toolkit.common.device import make_rng
from toolkit.common.errors import UsageError
from toolkit.gan.config import Config, mlp_config
from toolkit.gan.model import MLPDiscriminator, MLPGenerator
from toolkit.gan.training import (
    TrainState,
    build,
    build_optimizer,
    discriminator_step,
    generator_step,
    initial_state,
    train_step,
    update_average,
)


def as_in_training(config: Config) -> TrainState:
    """A state with gradient descent for both players, which moves weights by their gradients."""
    state = initial_state(config, "cpu")
    generator, discriminator, _, head = state.networks
    with torch.no_grad():  # a discriminator with opinions, so that the losses differ
        for parameter in discriminator.parameters():
            parameter.mul_(5)
    state.generator_optimizer = SGD(generator.parameters(), lr=0.1)
    both = [*discriminator.parameters(), *head.parameters()]
    state.discriminator_optimizer = SGD(both, lr=1e-3)
    return state


@pytest.mark.parametrize("loss", ["hinge", "non-saturating", "minimax"])
@pytest.mark.parametrize("apply_r1", [True, False])
@pytest.mark.parametrize("auxiliary_weight", [0.0, 0.7])
def test_step_equals_the_textbook(loss: str, apply_r1: bool, auxiliary_weight: float) -> None:
    """Two separate updates with probabilities and logarithms instead of softplus of logits."""
    config = Config(
        batch_size=6, loss=loss, r1_gamma=0.5, r1_every=4, auxiliary_weight=auxiliary_weight
    )  # type: ignore[arg-type]
    state = as_in_training(config)
    networks = state.networks
    generator, discriminator, head = deepcopy(
        (networks.generator, networks.discriminator, networks.auxiliary_head)
    )
    average = {name: value.clone() for name, value in networks.average.state_dict().items()}
    real = torch.rand(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([3, 1, 4, 1, 5, 9])
    z = torch.randn(6, config.latent_dim, generator=make_rng(config.seed, "latents"))
    train_step(state, config, 8 if apply_r1 else 9, real, labels)

    optimizer_d = SGD([*discriminator.parameters(), *head.parameters()], lr=1e-3)
    optimizer_g = SGD(generator.parameters(), lr=0.1)
    fake = generator(z)
    if loss == "hinge":
        real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
        objective = ((1 - real_logits).clamp(min=0) + (1 + fake_logits).clamp(min=0)).mean()
    else:
        d_real, d_fake = discriminator(real).sigmoid(), discriminator(fake.detach()).sigmoid()
        objective = -(d_real.log() + (1 - d_fake).log()).mean()
    if apply_r1:
        real.requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
        objective = objective + 0.5 * 4 * slope.flatten(1).norm(dim=1).pow(2).mean() / 2
    if auxiliary_weight:
        digit_logits = head(discriminator.features(real))
        probabilities = digit_logits.softmax(dim=1)[torch.arange(6), labels]
        objective = objective - auxiliary_weight * probabilities.log().mean()
    objective.backward()
    optimizer_d.step()
    logits = discriminator(fake)
    {
        "hinge": -logits.mean(),
        "non-saturating": -logits.sigmoid().log().mean(),
        "minimax": (1 - logits.sigmoid()).log().mean(),
    }[loss].backward()
    optimizer_g.step()

    for ours, theirs in (
        (networks.generator, generator),
        (networks.discriminator, discriminator),
        (networks.auxiliary_head, head),
    ):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-7)
    for name, value in networks.average.state_dict().items():
        if value.is_floating_point():
            expected = (
                config.ema_decay * average[name]
                + (1 - config.ema_decay) * (generator.state_dict()[name])
            )
            torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-7)


def test_each_half_moves_one_player() -> None:
    """The discriminator's half raises V (10) and the generator's half lowers it, each alone."""
    config = Config(loss="minimax", auxiliary_weight=0.0)
    state = as_in_training(config)
    generator, discriminator, _, _ = state.networks
    rng = torch.Generator().manual_seed(0)
    real = torch.rand(6, 1, 28, 28, generator=rng)
    z = torch.randn(6, config.latent_dim, generator=rng)

    @torch.no_grad()
    def value() -> float:
        """V (10), written with probabilities."""
        d_real, d_fake = discriminator(real).sigmoid(), discriminator(generator(z)).sigmoid()
        return float((d_real.log() + (1 - d_fake).log()).mean())

    def weights(network: nn.Module) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in network.parameters()]

    def unchanged(network: nn.Module, before: list[torch.Tensor]) -> bool:
        return all(map(torch.equal, network.parameters(), before))

    at_first, of_generator = value(), weights(generator)
    loss = discriminator_step(
        discriminator, state.discriminator_optimizer, real, generator(z), config
    )
    raised = value()
    assert float(loss) == pytest.approx(-at_first, rel=1e-4)
    assert raised > at_first
    assert unchanged(generator, of_generator)

    of_discriminator = weights(discriminator)
    generator_step(discriminator, state.generator_optimizer, generator(z), config)
    assert value() < raised
    assert unchanged(discriminator, of_discriminator)
    assert all(parameter.requires_grad for parameter in discriminator.parameters())


def test_average_by_hand() -> None:
    average, network = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    nn.init.constant_(network.weight, 3.0)
    network.running_mean.fill_(2.0)
    update_average(average, network, decay=0.9)
    assert average.weight.item() == pytest.approx(0.9 * 1 + 0.1 * 3)
    assert average.running_mean.item() == pytest.approx(0.1 * 2)


def test_mlp_is_the_template_of_the_assignment() -> None:
    def sizes(network: nn.Module) -> list[tuple[int, int]]:
        return [
            (m.in_features, m.out_features) for m in network.modules() if isinstance(m, nn.Linear)
        ]

    assert sizes(MLPGenerator()) == [
        (100, 128), (128, 256), (256, 512), (512, 1024), (1024, 784),
    ]  # fmt: skip
    assert sizes(MLPDiscriminator()) == [(784, 512), (512, 256), (256, 1)]
    config = mlp_config(Config())
    assert (config.learning_rate, config.batch_size, config.latent_dim) == (2e-4, 64, 100)


def test_same_seed_same_networks() -> None:
    one, two, other = (build(Config(seed=seed)).generator.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["layers.0.weight"], other["layers.0.weight"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"architecture": "transformer"},
            "no architecture 'transformer'; choose conv or mlp",
        ),
        ({"loss": "bce"}, "no loss 'bce'; choose one of hinge, non-saturating, minimax"),
        (
            {"architecture": "mlp"},
            "MLP discriminator has no auxiliary head; set auxiliary_weight to 0",
        ),
        ({"latent_dim": 0}, "latent_dim must be from 1 to 10,000, not 0"),
        ({"batch_size": 100_000}, "from 2 to 15,000, not 100,000"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0, not -1.0"),
        ({"final_lr_ratio": float("nan")}, "final_lr_ratio must be a finite number, not nan"),
    ],
)
def test_bad_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Config(**settings)  # type: ignore[arg-type]


def test_batch_grows() -> None:
    config = Config(batch_size=8, num_steps=10)
    sizes = [config.batch_size_at(step) for step in range(1, 11)]
    assert sizes == [8, 8, 8, 8, 8, 16, 16, 16, 32, 32]
    assert replace(config, growing_batch=False).batch_size_at(10) == 8


def test_mapping_network_has_its_own_rate() -> None:
    """In Adam's first step every weight moves by the learning rate, here as the config says it."""
    config = Config(learning_rate=0.1, mapping_lr_ratio=0.05)
    generator = build(config).generator
    before = {name: value.clone() for name, value in generator.named_parameters()}
    optimizer = build_optimizer(config, generator)
    for parameter in generator.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    for name, value in generator.named_parameters():
        moved = torch.full_like(value, -0.005 if name.startswith("mapping") else -0.1)
        torch.testing.assert_close(value - before[name], moved, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("config", [Config(), mlp_config(Config())])
def test_cost_is_what_torch_counts(config: Config) -> None:
    """Torch counts two operations for a multiplication and the addition after it."""
    config = replace(config, batch_size=4, num_steps=10, growing_batch=False)
    state = initial_state(config, "cpu")
    real, labels = torch.rand(4, 1, 28, 28), torch.zeros(4, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        train_step(state, config, 1, real, labels)
    multiplications, _ = config.cost
    assert multiplications == pytest.approx(10 * counter.get_total_flops() / 2, rel=0.1)
    longer = replace(config, num_steps=100, growing_batch=True)  # 1.9 times the images, by hand
    assert longer.cost[0] == pytest.approx(19 * multiplications)
