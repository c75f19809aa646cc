from pathlib import Path

import pytest
from peers import Archive, association, image, send, wait_until
from stand_ins import BROKEN, CRASHING, GREEDY, SLEEPING, UNUSABLE, trouble
from starting import StartNode

from discern.node.config import DiskConfig, ListenConfig, OtherObjects, StudyConfig


def test_a_complete_study_becomes_a_delivered_report(
    start_node: StartNode, archive: Archive
) -> None:
    node = start_node()
    assert send(node.port, image(1, 1), image(1, 2)) == [0, 0]
    wait_until(lambda: archive.taken)
    assert read_description(archive, 0) == "2 images"
    wait_until(lambda: node.state.counts("deliveries") == {"done": 1})


def read_description(archive: Archive, index: int) -> str:
    _, content = archive.taken[index]
    return next(word for word in ("1 images", "2 images", "3 images") if word.encode() in content)


def test_two_studies_interleaved_on_one_association_stay_apart(
    start_node: StartNode, archive: Archive
) -> None:
    node = start_node()
    mixed = [image(study, number) for number in (1, 2) for study in (1, 2)]
    assert send(node.port, *mixed) == [0] * 4
    wait_until(lambda: len(archive.taken) == 2)
    assert {read_description(archive, index) for index in (0, 1)} == {"2 images"}
    assert {uid for uid, _ in archive.taken} == {"2.25.1.99.2", "2.25.2.99.2"}


def test_a_duplicate_is_kept_once_and_other_bytes_are_refused(start_node: StartNode) -> None:
    node = start_node()
    again = send(node.port, image(1, 1), image(1, 1), image(1, 1, value=8))
    assert again == [0, 0, 0x0111]
    assert len(node.state.files()) == 1


def test_late_images_make_a_second_revision(start_node: StartNode, archive: Archive) -> None:
    node = start_node()
    send(node.port, image(1, 1))
    wait_until(lambda: archive.taken)
    send(node.port, image(1, 2))
    wait_until(lambda: len(archive.taken) == 2)
    assert read_description(archive, 1) == "2 images"


def test_what_is_no_mr_image_is_refused_or_ignored(start_node: StartNode, tmp_path: Path) -> None:
    tomography = image(1, 1, class_uid="1.2.840.10008.5.1.4.1.1.2")
    assert send(start_node().port, tomography) == [0x0122]
    ignoring = start_node(
        listen=ListenConfig(port=0, other_objects=OtherObjects.IGNORE),
        disk=DiskConfig(folder=tmp_path / "ignoring", least_free_gb=0.01),
    )
    assert send(ignoring.port, tomography) == [0]
    assert not ignoring.state.files()


def test_own_results_coming_back_are_ignored(start_node: StartNode, archive: Archive) -> None:
    node = start_node()
    send(node.port, image(1, 1))
    wait_until(lambda: archive.taken)
    own = image(1, 1, class_uid="1.2.840.10008.5.1.4.1.1.88.33")
    own.SOPInstanceUID = archive.taken[0][0]
    assert send(node.port, own) == [0]
    assert node.state.counts("studies") == {"done": 1}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_uids_that_do_not_fit_are_refused(start_node: StartNode) -> None:
    node = start_node()
    missing, path, other = image(1, 1), image(1, 2), image(1, 3)
    del missing.StudyInstanceUID
    path.StudyInstanceUID, other.SeriesInstanceUID = "../../etc", ""
    assert send(node.port, missing, path, other) == [0xA900] * 3
    assert not node.state.files()


def test_only_allowed_peers_may_associate(start_node: StartNode) -> None:
    node = start_node(listen=ListenConfig(port=0, allowed=("SCANNER",)))
    for calling, called in (("STRANGER", "DISCERN"), ("SCANNER", "OTHER")):
        with association(node.port, calling=calling, called=called) as refused:
            assert refused.is_rejected
    with association(node.port) as admitted:
        assert admitted.send_c_echo().Status == 0


def test_a_study_that_was_cut_off_is_complete_with_what_came(
    start_node: StartNode, archive: Archive
) -> None:
    node = start_node()
    with association(node.port) as one:
        one.send_c_store(image(1, 1))
        one.abort()
    wait_until(lambda: archive.taken)
    assert read_description(archive, 0) == "1 images"


def test_a_full_disk_refuses_images_as_out_of_resources(
    start_node: StartNode, tmp_path: Path
) -> None:
    full = DiskConfig(folder=tmp_path / "full", most_gb=1e-7, least_free_gb=0.01)
    assert send(start_node(disk=full).port, image(1, 1)) == [0xA700]
    tight = DiskConfig(folder=tmp_path / "tight", least_free_gb=1e9)
    assert send(start_node(disk=tight).port, image(1, 1)) == [0xA700]


def test_a_study_that_fails_never_stops_the_next(start_node: StartNode, archive: Archive) -> None:
    node = start_node(
        analyze=trouble, study=StudyConfig(quiet_seconds=0.2, timeout_s=4, memory_mb=8192)
    )
    bad = (CRASHING, SLEEPING, UNUSABLE, BROKEN, GREEDY)
    assert send(node.port, *(image(study, 1) for study in (*bad, 1))) == [0] * 6
    wait_until(lambda: archive.taken, 60)
    assert node.state.counts("studies") == {"failed": 5, "done": 1}
    reasons = " ".join(node.state.reasons().values())
    for word in ("Crash", "Timeout", "NoUsableSeries", "KeyError", "MemoryError"):
        assert word in reasons
    assert "Secret" not in reasons
