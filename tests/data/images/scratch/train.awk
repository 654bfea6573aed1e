# Fits a line by gradient descent: the sum of a file's line lengths against its line number, the file being this one.
# Usage: awk [-v seed=N] [-v rate=R] -f train.awk
BEGIN {
    if (seed == "") seed = 1
    if (rate == "") rate = 0.5
    steps = 40
    while ((getline line < "train.awk") > 0) { n++; total += length(line); y[n] = total }
    for (i = 1; i <= n; i++) { x[i] = i / n; y[i] /= total }
    srand(seed)
    slope = rand(); offset = rand()
    for (step = 1; step <= steps; step++) {
        ds = 0; d0 = 0; loss = 0
        for (i = 1; i <= n; i++) {
            error = slope * x[i] + offset - y[i]
            loss += error * error / n
            ds += 2 * error * x[i] / n
            d0 += 2 * error / n
        }
        slope -= rate * ds; offset -= rate * d0
    }
    printf "loss: %.6f\n", loss
}
