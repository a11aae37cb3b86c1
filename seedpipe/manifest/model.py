"""The manifest as it is written, as pydantic models, and the JSON Schema that editors use.

Shapes and types only: what a text means (a size, a colour, an address) is checked after its template was rendered.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from seedpipe.limits import MANIFEST_FORMAT, MAX_TAKES
from seedpipe.manifest.values import (
    Amount,
    Anything,
    Background,
    Condition,
    Dialect,
    Flag,
    Gate,
    Given,
    Number,
    OnSizeMismatch,
    OptimizePrompt,
    OutputFormat,
    ResponseFormat,
    Scalar,
    Text,
    Whole,
)

SCHEMA_ID: Final = "urn:seedpipe:manifest:1"


def _shape(value: object) -> str:
    if isinstance(value, dict | BaseModel):
        return "<mapping>"
    return "<list>" if isinstance(value, list | tuple) else "<text>"


def _text_or_list(value: object) -> str:
    return "<list>" if isinstance(value, list | tuple) else "<text>"


_SHAPE: Final = Discriminator(_shape)
_TEXT_OR_LIST: Final = Discriminator(_text_or_list)


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_alias=True, validate_by_name=False)


def _not_yet(what: str) -> Any:
    return Field(None, description=f"Not yet: {what}. Reserved; seedpipe refuses it until it works.")


class Crop(_Written):
    width: Whole = Field(description="Pixels, or the first number of an aspect.")
    height: Whole = Field(description="Pixels, or the second number of an aspect.")
    pixels: Flag = Field(False, description="True: `width` and `height` are pixels. False: they are an aspect.")
    anchor: Text = Field("center", description="Which part stays: `center`, `top`, `bottom-left` …")


class Resize(_Written):
    width: Given[Whole] = Field(None, description="Pixels. Without it the aspect is kept.")
    height: Given[Whole] = Field(None, description="Pixels. Without it the aspect is kept.")
    mode: Text = Field("fill", description="`fill` (cover and cut), `fit` (within) or `stretch`.")


class Overlay(_Written):
    image: Text = Field(description="Address of the picture that is laid on top.")
    width: Given[Text] = Field(None, description="Of the picture's width (`20%`) or pixels.")
    anchor: Given[Text] = Field(None, description="Where it stands: `bottom-right` …")
    margin: Given[Text] = Field(None, description="Of the shorter side (`3%`) or pixels.")
    opacity: Given[Whole] = Field(None, description="Percent.")


class Lettering(_Written):
    text: Text = Field(description="The words.")
    font: Given[Text] = Field(None, description="A font file, relative to this file. Without it: the shipped font.")
    size: Given[Text] = Field(
        None, description="Of the picture's height (`8%`) or pixels. Without it: as large as fits."
    )
    max_size: Given[Text] = Field(None, description="The largest size when fitted.")
    min_size: Given[Text] = Field(None, description="The smallest size when fitted.")
    color: Given[Text] = Field(None, description='A colour in quotes: `"#ffffff"`, or a basic name.')
    stroke: Given[Text] = Field(None, description="Colour of the outline.")
    stroke_width: Given[Text] = Field(None, description="Width of the outline.")
    background: Given[Text] = Field(
        None, description='Colour of a panel behind the text; `"#00000080"` is translucent.'
    )
    box_width: Given[Text] = Field(None, description="How much of the width the text may use (`80%`).")
    box_height: Given[Text] = Field(None, description="How much of the height the text may use (`30%`).")
    anchor: Given[Text] = Field(None, description="Where the box stands: `bottom` …")
    margin: Given[Text] = Field(None, description="Distance from the edge.")
    align: Given[Text] = Field(None, description="`left`, `center`, `right` or `auto`.")
    line_height: Given[Whole] = Field(None, description="Percent of the size.")
    direction: Given[Text] = Field(None, description="`ltr`, `rtl` or `auto` (by the first strong character).")


class Convert(_Written):
    format: Text = Field(description="`jpeg`, `png` or `webp`.")
    quality: Given[Whole] = Field(None, description="1 to 100; for jpeg and webp.")
    background: Given[Text] = Field(None, description="What fills transparency where the format has none.")


class Step(_Written):
    """One free local step; exactly one key."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    crop: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[Crop, Tag("<mapping>")], _SHAPE]] = Field(
        None, description="`1200:630` (an aspect) or `1200x630` (pixels)."
    )
    resize: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[Resize, Tag("<mapping>")], _SHAPE]] = Field(
        None, description="`1200x630`, `1200x` or `x630`."
    )
    overlay: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[Overlay, Tag("<mapping>")], _SHAPE]] = Field(
        None, description="Address of another picture laid on top."
    )
    text: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[Lettering, Tag("<mapping>")], _SHAPE]] = Field(
        None, description="Lettering."
    )
    convert: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[Convert, Tag("<mapping>")], _SHAPE]] = Field(
        None, description="File format of the result."
    )


_Items = Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[Scalar], Tag("<list>")], _TEXT_OR_LIST]


class Each(_Written):
    """A list of references made from data."""

    each: _Items = Field(description="A template that gives a list, or text split at `,` or `;`.")
    node: Text = Field(description="The address of each; `{{ item }}` is the list's item.")


_Reference = Annotated[Annotated[Text, Tag("<text>")] | Annotated[Each, Tag("<mapping>")], _SHAPE]
_NamedReference = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[Each, Tag("<mapping>")] | Annotated[list[_Reference], Tag("<list>")],
    _SHAPE,
]
References = Annotated[
    Annotated[Text, Tag("<text>")]
    | Annotated[list[_Reference], Tag("<list>")]
    | Annotated[dict[str, _NamedReference], Tag("<mapping>")],
    _SHAPE,
]
_ScalarOrList = Annotated[Annotated[Scalar, Tag("<text>")] | Annotated[list[Scalar], Tag("<list>")], _TEXT_OR_LIST]
_AxisValue = Annotated[Annotated[Scalar, Tag("<text>")] | Annotated[dict[str, Anything], Tag("<mapping>")], _SHAPE]
Axis = Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[_AxisValue], Tag("<list>")], _TEXT_OR_LIST]


class Parameters(_Written):
    """What decides how a picture is made, beside its words."""

    model: Given[Text] = Field(None, description="An alias (`seedream-4-5`) or a dated id.")
    size: Given[Text] = Field(None, description="A tier (`1K`, `2K`, `4K`) or exact pixels (`2848x1600`).")
    aspect: Given[Text] = Field(None, description="`16:9`; with a tier. The catalogue has the exact pixels.")
    takes: Given[Whole] = Field(
        None, description=f"How many pictures are bought for a person to choose from, 1 to {MAX_TAKES}."
    )
    watermark: Given[Flag] = Field(None, description="The service's own watermark. Default: false.")
    output_format: Given[OutputFormat] = Field(None, description="`jpeg` or `png`, for models that can choose.")
    optimize_prompt: Given[OptimizePrompt] = Field(
        None, description="How the service rewrites the prompt: `standard` or `fast`."
    )
    response_format: Given[ResponseFormat] = Field(
        None, description="How the picture travels: `url` (default) or `b64_json`. In no key."
    )
    seed: Given[Whole] = Field(None, description="For the models that take one; never a promise of equal pictures.")
    guidance_scale: Given[Number] = Field(None, description="1 to 10, for the models that take it.")
    background: Given[Background] = Field(None, description="`opaque` or `transparent`, for the models that have it.")
    cascade: Given[Flag] = Field(
        None,
        description="False: a picture stays when only a picture that it is made from changes, until it is named. "
        "In no key.",
    )
    web_search: Given[Flag] = Field(None, description="Let the model search the web, for the models that can.")
    on_size_mismatch: Given[OnSizeMismatch] = Field(
        None,
        description="Of a picture that came in another size than was asked: `accept` (default), `fail` (kept, not used) "
        "or `fit` (its file is cut to size here, free). In no key.",
    )


_COMPOSE_NAMES: Final = "it may name `frames` (`number`, `id`, `prompt`, `caption`), `count`, `shared` and `beside`"


class _FrameBody(_Written):
    prompt: Text = Field(description="What this frame shows: a Jinja2 template.")
    caption: Given[Text] = Field(None, description="Words for people, beside the picture; in no key.")
    duration: Given[Number] = Field(None, description="Seconds in an animatic; in no key.")
    output: Given[Text] = Field(None, description="Path of this frame's file below the output folder.")


class Frame(_FrameBody):
    """One picture of a sequence."""

    id: Text = Field(description="Its name in addresses: `board#hands`. Letters, digits, `.`, `_` and `-`.")


class EachFrame(_FrameBody):
    """Frames made from data: one for each item of a list, in its order."""

    each: _Items = Field(description="The name of a table or of a list, or a template that gives a list.")
    id: Given[Text] = Field(None, description="Its name in addresses. Without it: the item's key, or its text.")


class Sequence(_Written):
    """Pictures that are made together: `frames` with words of their own, or `max_images` of one prompt."""

    frames: Given[Annotated[Annotated[list[Frame], Tag("<list>")] | Annotated[EachFrame, Tag("<mapping>")], _SHAPE]] = (
        Field(
            None, description="The pictures in order, each with its own words: a list, or made with `each` from data."
        )
    )
    max_images: Given[Whole] = Field(None, description="How many pictures at most; any number from 1 is complete.")
    compose: Given[Text] = Field(None, description=f"Another template for the prompt; {_COMPOSE_NAMES}.")


class Defaults(Parameters):
    """Parameters of all images, and the words around the frames of all sequences."""

    compose: Given[Text] = Field(None, description=f"A template for the prompts of sequences; {_COMPOSE_NAMES}.")


class _Body(Parameters):
    file: Given[Text] = Field(None, description="A picture that exists: a path relative to this file.")
    url: Given[Text] = Field(None, description="A picture that exists: a public https address.")
    prompt: Given[Text] = Field(None, description="What to draw: a Jinja2 template.")
    prompt_file: Given[Text] = Field(None, description="A file that holds the prompt, relative to this file.")
    references: Given[References] = Field(
        None,
        description="Addresses of the pictures that are sent along, in order: a list, or a mapping that names them.",
    )
    from_: Given[Text] = Field(
        None, alias="from", description="Address of the picture that the free `steps` begin with."
    )
    steps: Given[list[Step]] = Field(None, description="Free local steps: crop, resize, overlay, text, convert.")
    variant: Given[Text] = Field(None, description="Any word: another picture for otherwise equal inputs.")
    looks: Given[dict[str, dict[str, Anything]]] = Field(
        None,
        description="Candidates of this one picture, by name: each with other values of some `vars`. A person picks.",
    )
    gate: Given[Gate] = Field(
        None, description="`approve`: what is made from this waits until a person has approved it. In no key."
    )
    output: Given[Text] = Field(None, description="Path of the result below the output folder.")
    tags: Given[list[Text]] = Field(None, description="Words by which nodes are chosen: `tag:launch`.")


class Override(_Body):
    """Other values for the items of a matrix that match."""

    match: dict[str, _ScalarOrList] = Field(description="Axis: value, or a list of values.")
    prompt_append: Given[Text] = Field(None, description="A line that is added to the prompt.")


class Entry(_Body):
    """One entry of `images`: a source (`file` or `url`), an image (`prompt`), a `sequence`, `layers`, or derived (`from`)."""

    matrix: Given[dict[str, Axis]] = Field(
        None, description="Axes: each a list, or the name of a table of `data` or of a list in `vars`."
    )
    exclude: Given[list[dict[str, _ScalarOrList]]] = Field(None, description="Combinations to leave out.")
    include: Given[list[dict[str, _ScalarOrList]]] = Field(None, description="Combinations to add.")
    override: Given[list[Override]] = Field(
        None, description="Other values for items that match; in order, later wins."
    )
    when: Given[Condition] = Field(None, description="False: the item does not exist.")
    sequence: Given[Sequence] = Field(None, description="Several pictures from one request, that belong together.")
    layers: Given[Text] = Field(
        None,
        description="Address of a picture that the service takes apart: a base and its layers, for the models that can.",
    )
    cast: Anything = _not_yet("fixed references of characters")
    style: Anything = _not_yet("fixed words and references of a style")
    checks: Anything = _not_yet("checks of the finished picture")


class Table(_Written):
    """A table of rows from files."""

    from_: Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[Text], Tag("<list>")], _TEXT_OR_LIST] = Field(
        alias="from", description="csv, json or yaml files relative to this file; globs work."
    )
    key: Given[Text] = Field(
        None, description="The column that names a row (default `key`, `id` or `name`), or `stem`."
    )
    fallback: Given[dict[str, Text]] = Field(None, description="Rows that stand in for missing ones: `{fr-CH: fr}`.")


class Profile(_Written):
    """Another way to build the same project, with a lock and an output folder of its own."""

    force: Given[Parameters] = Field(None, description="Parameters that beat the nodes' own.")
    vars: Given[dict[str, Anything]] = Field(None, description="Vars that beat the project's.")


class Provider(_Written):
    """A provider with an address, endpoints or prices of its own; a foreign host is used only if the user trusts it."""

    base_url: Given[Text] = Field(
        None, description="Base of the API, up to and without `/images/generations`; without it, that of `like`."
    )
    api_key_env: Given[Text] = Field(None, description="Environment variable with the key; the user must allow it.")
    like: Given[Dialect] = Field(None, description="Whose dialect and model ids it speaks.")
    prices: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[dict[str, Text], Tag("<mapping>")], _SHAPE]] = (
        Field(None, description="Price of one picture above the catalogue's, for all models or by model: `0.04 USD`.")
    )
    endpoints: Given[dict[str, Text]] = Field(
        None, description="Inference endpoints by model: `{seedream-4-5: ep-20260101120000-abcde}`."
    )


class IncludedFile(_Written):
    file: Text = Field(description="A path relative to this file.")
    frozen: Flag = Field(False, description="True: seedpipe only ever reads it.")


class Budget(_Written):
    """Caps; they can only tighten what the user allows."""

    per_build: Given[Amount] = Field(None, description="`5 USD`")
    per_day: Given[Amount] = Field(None, description="`20 USD`")
    per_month: Given[Amount] = Field(None, description="`60 USD`")
    per_node: Given[Amount] = Field(None, description="`0.50 USD`, for one picture, ever")
    project: Given[Amount] = Field(None, description="`200 USD`, ever")


_Include = Annotated[Annotated[Text, Tag("<text>")] | Annotated[IncludedFile, Tag("<mapping>")], _SHAPE]


class ManifestFile(_Written):
    """A manifest of images for seedpipe."""

    seedpipe: Given[Whole] = Field(None, description=f"Format of the manifest: {MANIFEST_FORMAT}.")
    project: Given[Text] = Field(None, description="The id under which ledger and store are found.")
    provider: Given[Annotated[Annotated[Text, Tag("<text>")] | Annotated[Provider, Tag("<mapping>")], _SHAPE]] = Field(
        None, description="apiyi, byteplus, volcengine, or a mapping."
    )
    include: Given[
        Annotated[Annotated[Text, Tag("<text>")] | Annotated[list[_Include], Tag("<list>")], _TEXT_OR_LIST]
    ] = Field(None, description="More files of the same project; globs work.")
    vars: Given[dict[str, Anything]] = Field(None, description="Values for templates.")
    data: Given[dict[str, Annotated[Annotated[Text, Tag("<text>")] | Annotated[Table, Tag("<mapping>")], _SHAPE]]] = (
        Field(None, description="Tables for templates and matrices.")
    )
    templates: Given[Text] = Field(None, description="Folder of Jinja2 includes, imports and macros.")
    defaults: Given[Defaults] = Field(None, description="Parameters of all images; an entry's own are stronger.")
    budget: Given[Budget] = Field(None, description="Caps; they can only tighten what the user allows.")
    profiles: Given[dict[str, Profile]] = Field(None, description="Other ways to build: `--profile NAME`.")
    images: Given[dict[str, Entry]] = Field(None, description="The pictures, by name.")
    imports: Anything = _not_yet("chosen pictures of another project")
    cast: Anything = _not_yet("characters with fixed references")
    style: Anything = _not_yet("fixed words and references of a style")
    moved: Given[dict[str, Text]] = Field(
        None, description="Old address: new address, of a picture or a group; choices keep up with renamed entries."
    )
    remote: Anything = _not_yet("a shared store")
    checks: Anything = _not_yet("checks of finished pictures")


RESERVED: Final[frozenset[str]] = frozenset(("imports", "cast", "style", "remote", "checks"))
RESERVED_IN_ENTRY: Final[frozenset[str]] = frozenset(("cast", "style", "checks"))
PARAMETERS: Final[tuple[str, ...]] = tuple(Parameters.model_fields)


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a manifest file, for editors."""
    schema = _tidy(ManifestFile.model_json_schema(by_alias=True))
    own = schema["properties"]["seedpipe"]
    schema["properties"]["seedpipe"] = {"description": own["description"], "const": MANIFEST_FORMAT}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def _tidy(schema: Any) -> Any:
    """Without what the reader refuses (null) and what an editor's hover is better without (generated titles)."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {
        key: {name: _tidy(item) for name, item in value.items()} if key in ("properties", "$defs") else _tidy(value)
        for key, value in schema.items()
        if key != "title" and not (key == "default" and value is None)
    }
    choices = [choice for choice in tidy.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1 and not (choices[0].keys() & tidy.keys()):
        return {**choices[0], **tidy}
    return {**tidy, "anyOf": choices} if choices else tidy
