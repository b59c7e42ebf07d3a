"""What a reader should know before believing the accuracy of a small classifier."""

from collections.abc import Sequence

from course_utils.intervals import Interval

FEW = 10  # pictures in a class, below which its accuracy is hardly known
UNEQUAL = 3  # times as many pictures in the largest class as in the smallest


def cautions(
    classes: Sequence[str], counts: Sequence[int], accuracy: Interval, skipped: int
) -> list[str]:
    """Sentences, none if all is well.

    Args:
        classes: names.
        counts: pictures of each class.
        accuracy: in 0..1, on pictures held out.
        skipped: how many sentences there are on files that were left out.
    """
    by_count = sorted(zip(counts, classes, strict=True), key=lambda pair: pair[0], reverse=True)
    (most, commonest), (fewest, rarest) = by_count[0], by_count[-1]
    few = [f"{name} ({count})" for count, name in by_count if count < FEW]
    majority = most / sum(counts)
    sentences = []
    if few:
        sentences.append(
            f"Fewer than {FEW} pictures of {', '.join(few)}: take the accuracy as a rough guess."
        )
    if accuracy.low <= majority:
        sentences.append(
            f"It has not been shown that this classifier beats always answering {commonest}: the "
            f"interval begins at {accuracy.low:.1%}, and that answer is right in {majority:.1%}."
        )
    if most > UNEQUAL * fewest:
        sentences.append(
            f"The classes are unequal, {commonest} {most} and {rarest} {fewest}: the accuracy says "
            f"little about {rarest}, and the table `confusion` says more."
        )
    if skipped:
        sentences.append(f"Something was left out, named in `skipped` (sentences: {skipped}).")
    return sentences
