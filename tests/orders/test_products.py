"""What may be chosen on a page is what the workflows take."""

import pytest

from gpujobs import workflows
from gpujobs.workflows.life_scene.scenes import SCENES
from orders.models import Order
from orders.products import LIFE_SCENE, PRODUCTS, Product


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=lambda product: product.key)
def test_every_option_is_a_parameter_with_the_same_choices(product: Product) -> None:
    params = {param.name: param for param in workflows.get(product.workflow).params}
    for option in (option for option in product.options if option.for_workflow):
        assert set(option.keys) == set(params[option.key].options), option.key
        if not option.several:
            assert option.default == params[option.key].default, option.key


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=lambda product: product.key)
def test_the_photos_fill_the_workflows_required_pictures(product: Product) -> None:
    inputs = workflows.get(product.workflow).inputs
    assert product.slots == tuple(each.slot for each in inputs if each.required)


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=lambda product: product.key)
def test_whatever_is_posted_becomes_something_the_workflow_takes(product: Product) -> None:
    workflow = workflows.get(product.workflow)
    for posted in ({}, {option.key: "nonsense" for option in product.options}, {"without": ["microphone", "rod"]}):
        assert workflow.clean(product.params(posted) | {"person": "woman", "age": "elderly"})


def test_who_is_drawn_is_named_as_the_workflows_name_it() -> None:
    params = {param.name: param for param in workflows.get("portrait").params}
    assert {*Order.Sex.values, "person"} == set(params["person"].options)


def test_what_may_be_left_out_fits_its_scene() -> None:
    without = next(option for option in LIFE_SCENE.options if option.key == "without")
    for scene, details in SCENES.items():
        offered = {choice.key for choice in without.choices if scene in choice.only_with}
        assert offered == set(details.vetoes), scene


def test_what_was_chosen_is_said_in_words() -> None:
    assert LIFE_SCENE.words({"scene": "singing", "without": ["microphone"]}) == [
        "장면: 무대에서 노래",
        "빼고 그릴 것: 마이크",
    ]
