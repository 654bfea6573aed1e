/* Learns how often each byte follows each other byte of a file: stochastic gradient descent on the cross-entropy.
 *
 * Usage: train FILE [SEED]. Prints "loss: X", in nats per byte. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BYTES = 128, STEPS = 20000, MAX_TEXT = 1 << 16 };
static const double RATE = 0.5;

static double logits[BYTES][BYTES];
static unsigned char text[MAX_TEXT];

static double log_sum_exp(const double *row)
{
    double sum = 0.0;
    for (int i = 0; i < BYTES; i++)
        sum += exp(row[i]);
    return log(sum);
}

static void learn(int before, int after)
{
    double *row = logits[before], norm = log_sum_exp(row);
    for (int i = 0; i < BYTES; i++)
        row[i] -= RATE * (exp(row[i] - norm) - (i == after));
}

static double mean_loss(size_t length)
{
    double total = 0.0;
    for (size_t i = 0; i + 1 < length; i++)
        total += log_sum_exp(logits[text[i]]) - logits[text[i]][text[i + 1]];
    return total / (double)(length - 1);
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: train FILE [SEED]\n");
        return 2;
    }
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    for (size_t i = 0; i < length; i++)
        text[i] &= BYTES - 1;
    if (length < 2)
        return 1;
    srand(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    for (int step = 0; step < STEPS; step++) {
        size_t i = (size_t)rand() % (length - 1);
        learn(text[i], text[i + 1]);
    }
    printf("loss: %.6f\n", mean_loss(length));
    return 0;
}
