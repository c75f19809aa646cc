"""What the manifest says: how the network was trained, on which patients, with what."""

from discern.reporting.report_card.evidence import MANIFEST_FILE, Evidence
from discern.reporting.report_card.facts import PROGRAM, Fact, Facts, counted, yes_or_no
from discern.reporting.report_card.run_facts import PARTS


def training(evidence: Evidence) -> Facts:
    """Return how the network was trained."""
    if evidence.manifest is None:
        return ()
    how = evidence.manifest["settings"]
    steps, augmentation = how.get("optimizer", {}), how.get("augmentation", {})
    text = (
        f"Configuration {evidence.manifest['configuration']['name']}: {how.get('epochs')} epochs, "
        f"{how.get('batch_size')} images a step, precision {how.get('precision')}, loss "
        f"{how.get('loss', {}).get('kind')}, optimizer {steps.get('kind')} with learning rate "
        f"{steps.get('learning_rate')} and weight decay {steps.get('weight_decay')}, "
        f"augmentation {augmentation.get('intensity')} (geometry: "
        f"{yes_or_no(augmentation.get('geometry'))}), {how.get('phantom_patients')} synthetic "
        f"patients mixed in, seed {evidence.manifest['seed']}. Every setting is in the manifest."
    )
    return (Fact(text, MANIFEST_FILE),)


def initialization(evidence: Evidence) -> Facts:
    """Return where training started."""
    if evidence.manifest is None:
        return ()
    how = evidence.manifest["settings"]
    text = (
        f"From scratch, random with seed {evidence.manifest['seed']}; no weights from elsewhere. "
        f"Anchors fitted to the training boxes: {yes_or_no(how.get('fit_anchors'))}."
    )
    return (Fact(text, MANIFEST_FILE),)


def final_model(evidence: Evidence) -> Facts:
    """Return which of all states of the network was kept."""
    if evidence.manifest is None:
        return ()
    text = (
        "The last epoch, with the moving average of the weights; the validation patients chose "
        "nothing."
    )
    return (Fact(text, PROGRAM),)


def partitions(evidence: Evidence) -> Facts:
    """Return the sizes of the parts of the split."""
    if evidence.manifest is None:
        return ()
    split = evidence.manifest["split"]
    sizes = ", ".join(f"{len(split.get(part, ()))} {part}" for part in PARTS)
    return (Fact(f"Patients: {sizes}. The manifest lists them.", MANIFEST_FILE),)


def software(evidence: Evidence) -> Facts:
    """Return versions of what trained the network."""
    if evidence.manifest is None:
        return ()
    named = ", ".join(f"{name} {value}" for name, value in evidence.manifest["software"].items())
    return (Fact(f"Trained with {named}.", MANIFEST_FILE),)


def hardware(evidence: Evidence) -> Facts:
    """Return what the network was trained on, and for how long."""
    if evidence.manifest is None:
        return ()
    machine, seconds = evidence.manifest["hardware"], evidence.manifest["seconds"]
    text = (
        f"Trained in {seconds:,.0f} seconds on {machine['processor']}, "
        f"{counted(machine['threads'], 'thread')}, accelerator: {machine['accelerator']}."
    )
    return (Fact(text, MANIFEST_FILE),)
