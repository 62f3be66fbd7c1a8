"""English: every phrase that a report may use. A phrase is its own text, but for homonyms."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.report.languages import inspections

_PHRASES = (
    # Headings, and words in tables and lists.
    "Notation",
    "Forward",
    "Loss",
    "Backward",
    "Backward from {loss}",
    "In use: {title}",
    "Every step",
    "Rules",
    "Results",
    "Worked example",
    "Given",
    "States become",
    "Update, {rate}",
    "Update by {loss}, {rate}",
    "shape",
    "what it is",
    "input",
    "labels",
    "mask",
    "distribution",
    "{kind}, drawn",
    "parameter",
    "fixed parameter",
    "state",
    "value",
    "row",
    "column",
    "rows",
    "columns",
    ", ",
    ": ",
    ",",
    ".",
    " and ",
    "undefined",
    # About equations.
    "if",
    "otherwise",
    "{then} if {mask} else {other}",
    "for {steps}:",
    "for {steps}, with {ends}:",
    "When all steps are done:",
    "gradient of {name}",
    "gradient of {name}, as (rows, values)",
    "gradient by {name}",
    "gradient by {name}, as (rows, values)",
    "as (rows, values)",
    "Cotangent of {symbol} ({name})",
    "Gradient by {symbol} ({name})",
    "Gradient by {symbol} ({name}, as (rows, values))",
    "Value of {symbol} ({name})",
    "{title}, equation~{number}: as {like}",
    "{formula}: equation {number}",
    "{formula} by equation {number}",
    "{formula} by {number}",
    "entry by entry",
    "{count} more",
    # Names and reasons of rules.
    "chain rule",
    "every way on which the loss depends on it",
    "collapse δ",
    "gather by range",
    "one divisor",
    "{a}, {b}",
    "forward value",
    "computed on the way forward",
    "computed already",
    "forward power",
    "{a} where {b}",
    "forward sum",
    "{a} where {b} is its mean",
    "forward product",
    "mirror",
    "on its support",
    "{a} where {b} is 0 outside of {c}",
    "rows sum to 1",
    "each row is a distribution",
    "merge like terms",
    "factor",
    "what all terms share",
    "solve for the index",
    "one term for each index that reaches this place",
    "recognise",
    "in terms of logsumexp",
    "in terms of sigmoid",
    "in terms of softplus",
    "in terms of logsumexp and sigmoid",
    "in terms of logsumexp and softplus",
    "in terms of sigmoid and softplus",
    "in terms of logsumexp and sigmoid and softplus",
    "log and exp cancel",
    "compose",
    "written in the tensors that its parts are made of",
    "name",
    "the exponent has a name",
    "what is reduced and then read beside it has a name",
    # Notation and conventions.
    (
        "Scalars are plain, vectors bold and lower-case, matrices "
        "bold and upper-case; vectors are columns."
    ),
    "{entry} is an entry of {z}.",
    "A number above a name is its layer, not a power.",
    "A number in brackets above a name is its layer.",
    "A number below a name is its layer.",
    "A number in brackets above a name is its own in the spec, not a layer.",
    "A number without brackets above a name is its own in the spec, not a power.",
    "{cotangent} is the cotangent of {z}, the derivative of the loss by it.",
    "{gradient} is the array of all {slope}, of the shape of {w}.",
    (
        "{times} and {over} multiply and divide entry by entry, functions apply entry by "
        "entry,\n"
        "{ones} is a vector of ones, {where} is {one} where the condition holds and "
        "{zero}\n"
        "elsewhere, and {delta}."
    ),
    (
        "{times} and {over} multiply and divide entry by entry, functions apply entry by "
        "entry,\n"
        "{ones} is a vector of ones, {where} is {one} where the condition holds and "
        "{zero}\n"
        "elsewhere, and {delta} is {mask}."
    ),
    "{matrix} is the one-hot matrix of {labels}.",
    (
        "{matrix} is the one-hot matrix of {labels}: {line} {n} is {one} in the {place} "
        "that entry {n} of {labels} names, and {zero} elsewhere."
    ),
    (
        "A name with fewer indices than axes, as {slices}, is the array of its entries "
        "there, one for each\n"
        "value of the indices; where it matters which axes they belong to, colons stand "
        "for the others."
    ),
    "softmax and logsumexp go along the {along} of a matrix.",
    (
        "Every array is written with its axes in the opposite order of those that the "
        "code has: the samples of a batch are the columns of a matrix."
    ),
    "relu and abs have derivative 0 at 0.",
    "max and min pass the derivative to the first place that attains them.",
    "A sum with a condition below it runs over the indices that satisfy it.",
    "The exponential of a masked score counts as 0.",
    "Drawn anew at every call, where it is not given: {draws}.",
    "{draw}, where it is not given",
    "A step of training also changes states:",
    "after a step of training {update}, by ({number})",
    "Fixed only when the program runs: {extents}.",
    "A star stands for each of the words beside it in turn.",
    # Documents.
    "Backpropagation for {name}, derived step by step",
    (
        "Arrows run from what is read to what reads it, dashed ones to its next step. In "
        "brackets stand the\n"
        "equation of a value, and that of its cotangent."
    ),
    "Several equations of one cotangent belong to a loss each, in the order {losses}.",
    ("What stands above is derived here, one rule at a time; the rules are listed at the end."),
    "What is derived as an earlier equation was, but for the names, refers to that.",
    (
        "% Backpropagation for {name}, to take in by \\input. It needs "
        "\\usepackage{{amsmath}}.\n"
        "% Your document numbers the equations. \\eqref{{{prefix}:1}} and so on refer to "
        "them; the number in a\n"
        "% label is the one that the code generated from this derivation names. What is "
        "read once, entry by\n"
        "% entry, stands where it is read, and has no label; of equations that a star joins, or "
        "that are the\n"
        "% same for other numbers, the first has one. Lines fit in a width of 37 em."
    ),
    # Worked numbers.
    "Drawn with seed {seed}: {names}.",
    "Values are exact; printed with {digits} digits, or fewer where these are all.",
    (
        "At {equations} values stand alone: with numbers put in, the formula would be too long "
        "to read, or has no such form."
    ),
    "{name} was {before}, and is {now} with the new parameters.",
    # The page.
    "Graph",
    "Names",
    "Numbers",
    "Step",
    "Code",
    "computation graph",
    "generated code",
    "all steps",
    "Unfold the steps of every equation",
    "light or dark",
    "Light or dark",
    "copy LaTeX",
    "copied",
    "not allowed",
    "the gradient by {name}",
    "the same, {count} times more",
    "Names and shapes",
    "What repeats is named alike, by the rule below its equations.",
    "The numbers",
    "back through {equations}",
    "Step by step as {like}",
    ", with",
    "The same for {counting}, of",
    "equations ({first}) to ({last})",
    "A step of training",
    "with the rate η, for every parameter:",
    "In numbers, with {rate}:",
    "In numbers, by {loss}, with {rate}:",
    "A step also changes states:",
    "Written by {program} from the spec {name}.",
)

PHRASES: Mapping[str, str] = {phrase: phrase for phrase in (*_PHRASES, *inspections.CHINESE)} | {
    "name (of a column)": "name",  # "name" is a rule
}
