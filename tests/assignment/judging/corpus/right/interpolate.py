import torch
from networks import Generator, sample_noise
from torchvision.utils import save_image


def line(generator, z_0, z_1, between=7):
    weights = torch.arange(between + 2).float().div(between + 1).unsqueeze(1)
    with torch.no_grad():
        return generator(torch.lerp(z_0, z_1, weights))


if __name__ == "__main__":
    generator = Generator()
    generator.load_state_dict(torch.load("generator.pt"))
    generator.eval()
    candidates = sample_noise(100)
    save_image(generator(candidates), "candidates.png", nrow=10)
    a, b = input("Which two of them, of different digits? ").split()
    save_image(line(generator, candidates[int(a)], candidates[int(b)]), "line.png", nrow=9)
