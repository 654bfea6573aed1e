import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, Dataset

BATCH_SIZE = 20
EPOCHS = 2


class Stripes(Dataset):
    """Pictures with stripes in one of two directions."""

    def __init__(self, count):
        generator = torch.Generator().manual_seed(5)
        self.labels = torch.randint(0, 2, (count,), generator=generator)
        self.images = torch.rand(count, 1, 8, 8, generator=generator)
        for image, label in zip(self.images, self.labels):
            image[0].transpose(0, int(label))[::2] += 1

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(64, 2)

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        x = self.pool(torch.relu(self.conv2(x)))
        return self.fc(self.drop(x.flatten(1)))


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
train_loader = DataLoader(Stripes(80), batch_size=BATCH_SIZE, shuffle=True)
test_loader = DataLoader(Stripes(40), batch_size=BATCH_SIZE)
model = ConvNet().to(device)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)

for epoch in range(EPOCHS):
    model.train()
    running_loss, correct = 0.0, 0
    for i, (images, labels) in enumerate(train_loader):
        images = images.to(device)
        labels = labels.to(device)

        # forward pass
        outputs = model(images)
        loss = criterion(outputs, labels)

        # backward pass
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        running_loss += loss.item()
        correct += (outputs.argmax(1) == labels).sum().item()
    print(f"epoch {epoch} loss {running_loss:.6f} correct {correct}")

model.eval()
right = 0
with torch.no_grad():
    for images, labels in test_loader:
        outputs = model(images.to(device))
        right += (outputs.argmax(1) == labels.to(device)).sum().item()
print(f"accuracy {right / 40:.3f}")
