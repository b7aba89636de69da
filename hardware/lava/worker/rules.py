"""From products to the strings that Lava parses, and the check that it parsed what was meant."""

from lava.magma.core.learning.learning_rule import Loihi2FLearningRule, Loihi3FLearningRule


def learning_rule(rule):
    """Return Lava's learning rule of `rule`, a dict as a program has it. Raises ValueError where Lava misread it."""
    texts = {target: _sum(rule, target) for target in ("w", "t")}
    given = {f"d{target}": text for target, text in texts.items() if text}
    given |= {"t_epoch": rule["epoch"], "rng_seed": rule["seed"]}
    for at, name in enumerate(("x1", "x2")):
        given |= {f"{name}_tau": rule["x_tau"][at], f"{name}_impulse": rule["x_impulse"][at]}
    if rule["heard"] is not None:
        made = Loihi3FLearningRule(**given)
    else:
        for at, name in enumerate(("y1", "y2", "y3")):
            given |= {f"{name}_tau": rule["y_tau"][at], f"{name}_impulse": rule["y_impulse"][at]}
        made = Loihi2FLearningRule(**given)
    for target, text in texts.items():
        series = made.active_product_series.get(f"d{target}")
        parsed = [] if series is None else [_parsed(product) for product in series.products]
        meant = [_meant(rule, product) for product in _products(rule, target)]
        if parsed != meant:
            raise ValueError(f"Lava reads d{target} = {text} as {parsed}, and {meant} was meant")
    return made


def _products(rule, target):
    return [product for product in rule["products"] if product["target"] == target]


def _sum(rule, target):
    terms = []
    for product in _products(rule, target):
        sign = "-" if product["mantissa"] < 0 else "+"
        dependency = f"u{rule['decimate']}" if product["dependency"] == "u" else product["dependency"]
        factors = [f"{abs(product['mantissa'])}*2^{product['exponent']}", dependency]
        terms.append(f"{sign} " + "*".join(factors + [_factor(factor) for factor in product["factors"]]))
    return " ".join(terms)


def _factor(factor):
    constant = f"{factor['constant']:+d}" if factor["constant"] else ""
    if factor["sign"]:
        return f"sgn({factor['variable']}{constant})"
    return f"({factor['variable']}{constant})" if constant else factor["variable"]


def _meant(rule, product):
    factors = [(factor["variable"], factor["constant"], factor["sign"]) for factor in product["factors"]]
    decimate = rule["decimate"] if product["dependency"] == "u" else None
    return (product["dependency"], product["mantissa"], product["exponent"], factors, decimate)


def _parsed(product):
    factors = [(factor.state_var, factor.const or 0, factor.is_sgn) for factor in product.factors]
    return (product.dependency, product.s_mantissa, product.s_exp - 7, factors, product.decimate_exponent)
