"""From a folder of images to the documents that are sent; runs in the analysis process."""

from datetime import datetime
from pathlib import Path

from discern.inference.analyze import AnalysisOptions, analyze
from discern.node.config import StudyConfig
from discern.node.spool import digest
from discern.node.state import Result
from discern.reporting.documents import build_documents
from discern.reporting.kinds import DocumentOptions, Reported
from discern.reporting.stamp import Stamp, findings_digest


def make_results(folder: Path, content_time: str, config: StudyConfig) -> list[Result]:
    """Return the DICOM documents of the one study in ``folder``.

    Raises:
        DiscernError: As ``analyze`` and ``build_documents`` do.
    """
    options = AnalysisOptions(weights=config.weights, threads=config.cpu_threads)
    analysis = analyze(folder, options)
    stamp = Stamp(findings_digest(analysis.findings), datetime.fromisoformat(content_time))
    reported = Reported(analysis.findings, analysis.study, analysis.tissues)
    documents = build_documents(reported, DocumentOptions(kinds=config.documents), stamp)
    return [
        Result(one.kind, one.sop_class_uid, one.sop_instance_uid, digest(one.content), one.content)
        for one in documents
        if one.sop_class_uid and one.sop_instance_uid
    ]
