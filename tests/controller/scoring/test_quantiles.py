import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightlab.controller.scoring.quantiles import t_cdf, t_quantile

# Printed tables (NIST/SEMATECH e-Handbook 1.3.6.7.2), one-sided.
TABLE = {
    (0.90, 1): 3.078,
    (0.90, 2): 1.886,
    (0.95, 2): 2.920,
    (0.95, 4): 2.132,
    (0.975, 1): 12.706,
    (0.975, 3): 3.182,
    (0.975, 10): 2.228,
    (0.99, 5): 3.365,
    (0.995, 30): 2.750,
    (0.999, 2): 22.327,
    (0.999, 100): 3.174,
}


@pytest.mark.parametrize(("probability", "freedom"), TABLE)
def test_quantiles_are_those_of_the_printed_table(probability, freedom):
    expected = TABLE[probability, freedom]
    assert t_quantile(probability, freedom) == pytest.approx(expected, abs=6e-4)
    assert t_quantile(1 - probability, freedom) == pytest.approx(-expected, abs=6e-4)


def test_one_degree_of_freedom_is_the_cauchy_distribution_even_far_out():
    for probability in (0.6, 0.99, 0.99999):
        exact = math.tan(math.pi * (probability - 0.5))
        assert t_quantile(probability, 1) == pytest.approx(exact, rel=1e-9)


def test_many_degrees_of_freedom_are_the_normal_distribution():
    assert t_quantile(0.975, 1e7) == pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-6)


@given(st.floats(0.001, 0.999), st.floats(0.7, 500))
def test_quantile_inverts_the_distribution(probability, freedom):
    assert t_cdf(t_quantile(probability, freedom), freedom) == pytest.approx(probability, abs=1e-9)


@pytest.mark.parametrize(("probability", "freedom"), [(0.0, 3), (1.0, 3), (0.5, 0)])
def test_quantile_outside_its_range_is_an_error(probability, freedom):
    with pytest.raises(ValueError, match="no t quantile"):
        t_quantile(probability, freedom)
