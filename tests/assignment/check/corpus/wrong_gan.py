"""GANs that are trained with one fault each."""

from .build import planted
from .right_cases import BUFFERS, EXP, PLACE, POOL, SCRIPTED, SEEDED, SIDE, STATE, STEPS, TANH, S

OPPONENTS = {
    # the noise
    "uniform noise": planted(S, "gan", "z = torch.randn(imgs.size(0), args.latent_dim)",
        "z = torch.rand(imgs.size(0), args.latent_dim)", "wrong-noise"),
    "noise between -1 and 1": planted(S, "gan", "z = torch.randn(imgs.size(0), args.latent_dim)",
        "z = torch.rand(imgs.size(0), args.latent_dim) * 2 - 1", "wrong-noise"),
    "uniform noise from numpy": planted(PLACE, "gan", "np.random.normal(0, 1, (n, opt.latent_dim))",
        "np.random.uniform(-1, 1, (n, opt.latent_dim))", "wrong-noise"),
    "noise of a small deviation": planted(SEEDED, "gan",
        "loss_g = -critic(generator(torch.randn(64, latent_size))).mean()",
        "loss_g = -critic(generator(0.1 * torch.randn(64, latent_size))).mean()", "wrong-noise"),
    "the same noise for the whole training": planted(STATE, "gan",
        "criterion = nn.BCELoss().to(DEVICE)\n",
        "criterion = nn.BCELoss().to(DEVICE)\nnoise = torch.randn(100, Z_DIM).to(DEVICE)\n",
        "wrong-noise", "noise = torch.randn(100, Z_DIM)", "z = noise[:", more=(("gan",
        "z = torch.normal(0, 1, size=(len(x), Z_DIM)).to(DEVICE)", "z = noise[: len(x)]"), ("gan",
        "z = torch.normal(0, 1, size=(n, Z_DIM)).to(DEVICE)", "z = noise[:n]"))),
    "noise that is drawn before the loop": planted(POOL, "gan",
        "            fake = generator(torch.randn(real.size(0), nz, 1, 1, device=device))\n",
        "            fake = generator(z[: real.size(0)])\n", "wrong-noise",
        "z = torch.randn(64, nz, 1, 1", "fake = generator(z[:", more=(("gan",
        "    for _ in range(200):\n",
        "    z = torch.randn(64, nz, 1, 1, device=device)\n    for _ in range(200):\n"),)),
    # what is cut off from what
    "the same graph twice": planted(S, "gan", "gen_imgs.detach()", "gen_imgs", "missing-detach",
        "d_fake = loss_fn(discriminator(gen_imgs), fake)", "d_loss.backward()", equation=10),
    "a graph that G's step has changed": planted(BUFFERS, "gan", "loss_G.backward()",
        "loss_G.backward(retain_graph=True)", "missing-detach",
        "loss_D += criterion(discriminator.forward(gen_imgs), fake)", "loss_D.backward()",
        "loss_G.backward(retain_graph=True)", equation=10,
        more=(("gan", "gen_imgs.detach()", "gen_imgs"),)),
    "G keeps what D's step has left": planted(STATE, "gan", "    G.zero_grad()\n", "",
        "missing-detach", "fake_loss = criterion(D(G(z)", "loss = criterion(D(G(z)), torch.ones",
        "def G_train", equation=10, instead=("gradients-not-cleared",),
        more=(("gan", "G(z).detach()", "G(z)"),)),
    "G's gradients are cleared in time": planted(STATE, "gan", "G(z).detach()", "G(z)",
        "missing-detach", "fake_loss = criterion(D(G(z))", equation=10),
    "cut off in the generator's step": planted(S, "gan",
        "g_loss = loss_fn(discriminator(gen_imgs), real)",
        "g_loss = loss_fn(discriminator(gen_imgs.detach()), real)", "dead-parameter"),
    "the generator's images without gradient": planted(SCRIPTED, "gan",
        "g_loss = -D(fakes, drawn).mean()", "g_loss = -D(fakes.data, drawn).mean()",
        "dead-parameter"),
    # clearing and stepping
    "the discriminator is never cleared": planted(S, "gan", "            optimizer_D.zero_grad()\n",
        "", "gradients-not-cleared", "d_loss.backward()", "optimizer_D.step()",
        "for i, (imgs, _) in"),
    "the generator is never cleared": planted(STEPS, "gan", "        self.g_optim.zero_grad()\n",
        "", "gradients-not-cleared", "self.g_optim.step()", "def update_generator",
        "on_fake = self.D(self.G(self.noise(n)))",
        "loss = self.loss(on_fake, torch.ones_like(on_fake))"),
    "D keeps what G's step has left": planted(SIDE, "gan", "            optimizerD.zero_grad()\n",
        "", "gradients-not-cleared", "errD.backward()", "optimizerD.step()",
        "for i, (images, _) in", "errD = bce("),
    "both cleared at the top": planted(S, "gan", "            optimizer_G.zero_grad()\n"
        "            g_loss = loss_fn(discriminator(gen_imgs), real)\n"
        "            g_loss.backward()\n" "            optimizer_G.step()\n\n"
        "            optimizer_D.zero_grad()\n", "            optimizer_G.zero_grad()\n"
        "            optimizer_D.zero_grad()\n"
        "            g_loss = loss_fn(discriminator(gen_imgs), real)\n"
        "            g_loss.backward()\n" "            optimizer_G.step()\n\n",
        "gradients-not-cleared", "optimizer_D.zero_grad()", "d_loss.backward()",
        "optimizer_D.step()"),
    "one optimiser for both": planted(S, "gan", "torch.optim.Adam(generator.parameters()",
        "torch.optim.Adam([*generator.parameters(), *discriminator.parameters()]",
        "wrong-optimiser", equation=10),
    "a single optimiser, two steps": planted(EXP, "gan",
        "    d_opt = torch.optim.Adam(D.parameters(), config.lr)\n", "    d_opt = g_opt\n",
        "wrong-optimiser", "[*G.parameters(), *D.parameters()]", "d_opt = g_opt", equation=10,
        more=(("gan", "Adam(G.parameters(),", "Adam([*G.parameters(), *D.parameters()],"),)),
    "the discriminator's optimiser has G": planted(TANH, "gan", "opt_D = optim.Adam(D.parameters()",
        "opt_D = optim.Adam(G.parameters()", "wrong-optimiser", equation=10,
        also=("dead-parameter", "missing-detach", "gradients-not-cleared", "wrong-direction")),
}  # fmt: skip
