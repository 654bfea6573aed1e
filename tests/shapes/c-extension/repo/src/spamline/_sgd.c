/* One pass of logistic regression over sparse binary rows.
 *
 * epoch(weights, indices, offsets, labels, rate, l2) -> mean log loss before each update
 * loss(weights, indices, offsets, labels) -> mean log loss
 *
 * weights is a writable array('d'); indices and offsets are array('i'), labels array('b').
 * Row r has the features indices[offsets[r]] .. indices[offsets[r + 1] - 1]. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>

typedef struct {
    Py_buffer weights, indices, offsets, labels;
} Rows;

static int rows_check(const Rows *rows)
{
    const int *indices = rows->indices.buf, *offsets = rows->offsets.buf;
    Py_ssize_t features = rows->weights.len / (Py_ssize_t)sizeof(double);
    Py_ssize_t entries = rows->indices.len / (Py_ssize_t)sizeof(int);
    Py_ssize_t count = rows->labels.len;

    if (count == 0 || rows->offsets.len / (Py_ssize_t)sizeof(int) != count + 1 || offsets[0] != 0)
        return -1;
    for (Py_ssize_t r = 0; r < count; r++)
        if (offsets[r + 1] < offsets[r] || offsets[r + 1] > entries)
            return -1;
    for (Py_ssize_t i = 0; i < offsets[count]; i++)
        if (indices[i] < 0 || indices[i] >= features)
            return -1;
    return 0;
}

static void rows_release(Rows *rows)
{
    PyBuffer_Release(&rows->weights);
    PyBuffer_Release(&rows->indices);
    PyBuffer_Release(&rows->offsets);
    PyBuffer_Release(&rows->labels);
}

static double run(const Rows *rows, double rate, double l2)
{
    double *w = rows->weights.buf, total = 0.0;
    const int *indices = rows->indices.buf, *offsets = rows->offsets.buf;
    const signed char *labels = rows->labels.buf;
    Py_ssize_t count = rows->labels.len;

    for (Py_ssize_t r = 0; r < count; r++) {
        double z = 0.0;
        for (int i = offsets[r]; i < offsets[r + 1]; i++)
            z += w[indices[i]];
        double margin = labels[r] ? z : -z;
        total += margin > 0 ? log1p(exp(-margin)) : -margin + log1p(exp(margin));
        if (rate > 0) {
            double slope = 1.0 / (1.0 + exp(-z)) - (labels[r] != 0);
            for (int i = offsets[r]; i < offsets[r + 1]; i++)
                w[indices[i]] -= rate * (slope + l2 * w[indices[i]]);
        }
    }
    return total / (double)count;
}

static PyObject *checked_run(Rows *rows, double rate, double l2)
{
    PyObject *result = NULL;
    if (rows_check(rows) < 0)
        PyErr_SetString(PyExc_ValueError, "rows do not fit the weights");
    else
        result = PyFloat_FromDouble(run(rows, rate, l2));
    rows_release(rows);
    return result;
}

static PyObject *epoch(PyObject *self, PyObject *args)
{
    Rows rows;
    double rate, l2;
    if (!PyArg_ParseTuple(args, "w*y*y*y*dd", &rows.weights, &rows.indices, &rows.offsets, &rows.labels, &rate, &l2))
        return NULL;
    return checked_run(&rows, rate, l2);
}

static PyObject *loss(PyObject *self, PyObject *args)
{
    Rows rows;
    if (!PyArg_ParseTuple(args, "w*y*y*y*", &rows.weights, &rows.indices, &rows.offsets, &rows.labels))
        return NULL;
    return checked_run(&rows, 0.0, 0.0);
}

static PyMethodDef methods[] = {
    {"epoch", epoch, METH_VARARGS, "Train once over all rows; return the mean log loss."},
    {"loss", loss, METH_VARARGS, "Return the mean log loss."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_sgd", NULL, -1, methods};

PyMODINIT_FUNC PyInit__sgd(void)
{
    return PyModule_Create(&module);
}
