# Accuracies in tidy tables, with the same columns for this study and the paper, and the tables derived from them.


rule collect:
    input:
        networks=INPUTS.accuracies,
        made_from=INPUTS.training_files,  # their marks are compared
    output:
        accuracy="<results>/accuracy/{experiment}.csv",
        by_class="<results>/accuracy/{experiment}-by-class.csv",
        checksums=[f"<results>/accuracy/{{experiment}}{of}.csv.sha256" for of in ("", "-by-class")],
    log:
        "<logs>/collect/{experiment}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        training_code=CODE,
    message:
        "collect the accuracies of {wildcards.experiment}"
    script:
        "../scripts/collect.py"


rule collect_all:
    input:
        [f"<results>/accuracy/{experiment}.csv" for experiment in STUDY.experiments],
    output:
        accuracy="<results>/accuracy.csv",
        checksum="<results>/accuracy.csv.sha256",
    log:
        "<logs>/collect/all.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "collect all accuracies"
    script:
        "../scripts/collect_all.py"


rule collect_paper:
    input:
        f"{INPUTS.resources}/paper_accuracies.csv",
    output:
        accuracy="<results>/paper/accuracy.csv",
        checksum="<results>/paper/accuracy.csv.sha256",
    log:
        "<logs>/collect/paper.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "collect the paper's accuracies"
    script:
        "../scripts/collect_paper.py"


rule table1:
    input:
        accuracies=INPUTS.tables("random-splits"),
        by_class=INPUTS.tables_by_class("random-splits"),
    output:
        csv="{folder}/table1.csv",
        md="{folder}/table1.md",
        html=in_report("{folder}/table1.html", "Tables", "Table 1: boost of fine-tuned transfer"),
    log:
        "{folder}/logs/table1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
    message:
        "make Table 1: {output.csv}"
    script:
        "../scripts/table1.py"


rule tableS1:
    input:
        INPUTS.tables("reduced"),
    output:
        csv="{folder}/tableS1.csv",
        md="{folder}/tableS1.md",
        html=in_report("{folder}/tableS1.html", "Tables", "Table S1: reduced sets"),
    log:
        "{folder}/logs/tableS1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "make Table S1: {output.csv}"
    script:
        "../scripts/tableS1.py"


rule effects:
    input:
        accuracies=INPUTS.tables("random-splits", "manmade-natural", "preserved"),
        by_class=INPUTS.tables_by_class("random-splits", "manmade-natural", "preserved"),
    output:
        csv="{folder}/effects.csv",
        md="{folder}/effects.md",
        html=in_report("{folder}/effects.html", "Tables", "Effects with intervals"),
    log:
        "{folder}/logs/effects.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
    message:
        "estimate effects: {output.csv}"
    script:
        "../scripts/effects.py"


rule claims:
    input:
        accuracies=INPUTS.tables("random-splits", "manmade-natural", "random-filters", "mixed"),
        by_class=INPUTS.tables_by_class("random-splits", "manmade-natural", "random-filters", "mixed"),
        distances=INPUTS.distances,
        kernels=INPUTS.kernels,
        paper="<results>/paper/accuracy.csv",
    output:
        csv="{folder}/claims.csv",
        md="{folder}/claims.md",
        html=in_report("{folder}/claims.html", "Claims", "Claims and verdicts"),
    log:
        "{folder}/logs/claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
        papers_layers=INPUTS.has_the_papers_layers,
        architecture=INPUTS.architecture,
    message:
        "decide the paper's claims: {output.csv}"
    script:
        "../scripts/claims.py"


rule advice:
    input:
        accuracies=INPUTS.tables("random-splits", "manmade-natural", "given"),
        by_class=INPUTS.tables_by_class("random-splits", "manmade-natural", "given"),
        answers=INPUTS.answers,
        index=INPUTS.index_of_answers,
        costs=INPUTS.costs,
    output:
        csv="{folder}/advice.csv",
        md="{folder}/advice.md",
        html=in_report("{folder}/advice.html", "Claims", "Advice: what to train"),
        pdf="{folder}/advice.pdf",
        png=in_report("{folder}/advice.png", "Figures", "Advice: accuracy over n"),
    log:
        "{folder}/logs/advice.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
        layers=INPUTS.layers,
        folds=INPUTS.folds,
        margin=config["advice"]["margin"],
    message:
        "write the advice: {output.md}"
    script:
        "../scripts/advice.py"


rule costs:
    input:
        index="<results>/index.csv",
        manifests=[STUDY.results.manifest(split, target) for split, target in STUDY.tasks],
        provenance=[STUDY.results.provenance(network.split, network.name) for network in STUDY.networks],
    output:
        table="<results>/costs.csv",
        checksum="<results>/costs.csv.sha256",
    log:
        "<logs>/costs.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "list what trainings cost"
    script:
        "../scripts/costs.py"


rule classes:
    input:
        INPUTS.class_table,
    output:
        csv="{folder}/classes.csv",
        md="{folder}/classes.md",
        html=in_report("{folder}/classes.html", "Tables", "Classes and their sides"),
    log:
        "{folder}/logs/classes.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        wordnet=INPUTS.wordnet,
        sides=INPUTS.sides,
    message:
        "list the classes: {output.csv}"
    script:
        "../scripts/classes.py"


rule wordnet_nodes:
    input:
        INPUTS.class_table,
    output:
        csv="{folder}/wordnet_nodes.csv",
        md="{folder}/wordnet_nodes.md",
        html=in_report("{folder}/wordnet_nodes.html", "Tables", "Largest WordNet nodes"),
    log:
        "{folder}/logs/wordnet_nodes.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        wordnet=INPUTS.wordnet,
    message:
        "list the largest WordNet nodes: {output.csv}"
    script:
        "../scripts/wordnet_nodes.py"


rule provenance:
    input:
        provenance=[STUDY.results.provenance(network.split, network.name) for network in STUDY.networks],
        accuracies=ALL_ACCURACIES,
    output:
        csv="<results>/provenance.csv",
        md="<results>/provenance.md",
        html=in_report("<results>/provenance.html", "Provenance", "Provenance"),
    log:
        "<logs>/provenance.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "list where networks were trained, and how fast"
    script:
        "../scripts/provenance.py"


rule configuration:
    output:
        yaml="<results>/configuration.yaml",
        html=in_report("<results>/configuration.html", "Provenance", "Configuration"),
    log:
        "<logs>/configuration.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        config=lambda wildcards: config,
    message:
        "write the complete configuration"
    script:
        "../scripts/configuration.py"
