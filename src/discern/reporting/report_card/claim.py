"""CLAIM, 2024 update: artificial intelligence in medical imaging, 44 items."""

from discern.reporting.report_card.checklist import Checklist, Item, Section

CLAIM = Checklist(
    name="CLAIM 2024",
    file="checklist-claim",
    references=(
        "Tejani AS, Klontzas ME, Gatti AA, et al. Checklist for Artificial Intelligence in Medical "
        "Imaging (CLAIM): 2024 update. Radiology: Artificial Intelligence 2024;6(4):e240300. "
        "doi:10.1148/ryai.240300",
    ),
    sections=(
        Section(
            "Title, abstract, introduction",
            (
                Item("1", "Does the title name AI and its kind?", ("title",)),
                Item("2", "A summary of the whole study.", ("abstract",)),
                Item("3", "Background and intended role.", ("background", "intended_use")),
                Item("4", "Aims and hypotheses.", ("objectives",)),
            ),
        ),
        Section(
            "Methods: design",
            (
                Item("5", "Prospective or retrospective?", ("design",)),
                Item("6", "Goal of the study.", ("study_goal",)),
            ),
        ),
        Section(
            "Methods: data",
            (
                Item("7", "Sources of the data.", ("data_source",)),
                Item("8", "Who was included and excluded.", ("eligibility",)),
                Item("9", "Preprocessing.", ("preprocessing",)),
                Item("10", "Which subset was used.", ("subset",)),
                Item("11", "De-identification.", ("deidentification",)),
                Item("12", "Missing data.", ("missing_data",)),
                Item("13", "How the images were acquired.", ("devices", "acquisition")),
            ),
        ),
        Section(
            "Methods: reference standard",
            (
                Item("14", "How it was obtained.", ("reference", "reference_categories")),
                Item("15", "Why this one?", ("reference_rationale",)),
                Item("16", "Who annotated.", ("annotation",)),
                Item("17", "How the test set was annotated.", ("test_annotation",)),
                Item("18", "Variability of the annotators.", ("reader_agreement",)),
            ),
        ),
        Section(
            "Methods: partitions and sample size",
            (
                Item("19", "Assignment to partitions.", ("partitions", "assignment")),
                Item("20", "At which level they are disjoint.", ("disjoint",)),
                Item("21", "Intended sample size.", ("sample_size",)),
            ),
        ),
        Section(
            "Methods: model and training",
            (
                Item("22", "The model in detail.", ("model",)),
                Item("23", "Software.", ("software",)),
                Item("24", "Initial parameters.", ("initialization",)),
                Item("25", "Training.", ("training", "hardware")),
                Item("26", "Choice of the final model.", ("final_model",)),
                Item("27", "Ensembles.", ("ensemble",)),
            ),
        ),
        Section(
            "Methods: evaluation",
            (
                Item("28", "Measures of performance.", ("method", "thresholds")),
                Item("29", "Significance and uncertainty.", ("uncertainty", "comparison")),
                Item("30", "Robustness and sensitivity.", ("subgroups", "robustness")),
                Item("31", "Explainability.", ("explanation",)),
                Item("32", "Evaluation on internal data.", ("internal",)),
                Item("33", "Test on external data.", ("external",)),
                Item("34", "Registration as a trial.", ("registration",)),
            ),
        ),
        Section(
            "Results",
            (
                Item("35", "Numbers included and excluded.", ("flow", "counts")),
                Item(
                    "36",
                    "Demographic and clinical characteristics, by partition.",
                    ("demographics", "annotated_counts", "severity", "clinical"),
                ),
                Item("37", "Performance with its uncertainty.", ("grade_figures",)),
                Item(
                    "38",
                    "Diagnostic performance with its precision.",
                    ("lesion_figures", "truth_table"),
                ),
                Item("39", "Analysis of failures.", ("failures",)),
            ),
        ),
        Section(
            "Discussion and other information",
            (
                Item("40", "Limitations.", ("weak_heads", "limitations")),
                Item("41", "Implications for practice.", ("implications",)),
                Item("42", "Full protocol, further technical details.", ("protocol",)),
                Item("43", "Availability of program, weights, data.", ("availability",)),
                Item("44", "Funding and the funders' part.", ("funding",)),
            ),
        ),
    ),
)
