"""What is sent for a sequence: our words, which are frozen, and a manifest's own template."""

from seedpipe.manifest.compose import compose
from seedpipe.manifest.node import FrameNode, Sequence
from tests.manifest.session import Session

BOARD = """\
images:
  who: {file: who.png}
  board:
    prompt: "Noir film, the watchmaker of {{ refs.who }}."
    references: {who: who}
    sequence:
      frames:
        - {id: wide, prompt: "Wide, the workshop at dawn", duration: 2.50, caption: "05:40"}
        - {id: hands, prompt: "Close on frame {{ frame.number }}, the hands"}
"""


def sequence(project: Session, text: str = BOARD) -> Sequence:
    project.write("who.png", "")
    project.manifest(text)
    return next(node.sequence for node in project.nodes().values() if isinstance(node, FrameNode))


def test_the_words_for_a_batch(project: Session) -> None:
    board = sequence(project)
    assert [(frame.number, frame.id, frame.duration, frame.caption) for frame in board.frames] == [
        (1, "wide", "2.5", "05:40"),
        (2, "hands", None, None),
    ]
    assert compose(board, board.frames) == (
        "Generate 2 separate images, one for each frame below and in this order. Each fills its whole picture: "
        "no collage, no grid, no split screen, no frame numbers.\n\n"
        "Noir film, the watchmaker of image 1.\n\n"
        "Frame 1: Wide, the workshop at dawn\nFrame 2: Close on frame 2, the hands"
    )
    onward = compose(board, board.frames, beside=[2, 3])
    assert "\n\nThe frames go on from image 2 and image 3, the last of the frames before them: keep the " in onward


def test_the_words_for_a_frame_alone(project: Session) -> None:
    board = sequence(project)
    assert compose(board, board.frames[1:]) == "Noir film, the watchmaker of image 1.\n\nClose on frame 2, the hands"
    assert compose(board, board.frames[1:], beside=[2]).endswith(
        "\n\nThis is one frame of a series: keep the characters, places, light and style of image 2."
    )


def test_a_manifest_brings_its_own_words(project: Session) -> None:
    own = "      compose: '{{ count }} panels. {% for frame in frames %}[{{ frame.id }}: {{ frame.prompt }}]{% endfor %}{{ beside }}'\n"
    board = sequence(project, BOARD + own)
    assert compose(board, board.frames[:1], beside=[2]) == "1 panels. [wide: Wide, the workshop at dawn]image 2"


def test_counted_frames_have_one_prompt_that_is_sent_as_it_is(project: Session) -> None:
    mood = sequence(project, "images:\n  mood: {prompt: Generate 3 separate lamps, sequence: {max_images: 3}}\n")
    assert compose(mood, mood.frames) == "Generate 3 separate lamps"
    assert [frame.id for frame in mood.frames] == ["1", "2", "3"]
