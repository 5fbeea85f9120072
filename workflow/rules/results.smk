# Accuracies in tidy tables, this study's and the paper's in the same columns, and what follows from them.


rule collect:
    input:
        lambda wildcards: map(accuracy, EXPERIMENTS[wildcards.experiment]),
        training_files,  # to compare their marks
    output:
        accuracy=f"{RESULTS}/accuracy/{{experiment}}.csv",
        by_class=f"{RESULTS}/accuracy/{{experiment}}-by-class.csv",
        checksums=[f"{RESULTS}/accuracy/{{experiment}}{of}.csv.sha256" for of in ("", "-by-class")],
    log:
        f"{RESULTS}/logs/collect/{{experiment}}.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=script_code("collect"),
        training_code=CODE,
    message:
        "collect the accuracies of {wildcards.experiment}"
    script:
        "../scripts/collect.py"


rule collect_all:
    input:
        [f"{RESULTS}/accuracy/{experiment}.csv" for experiment in EXPERIMENTS],
    output:
        accuracy=f"{RESULTS}/accuracy.csv",
        checksum=f"{RESULTS}/accuracy.csv.sha256",
    log:
        f"{RESULTS}/logs/collect/all.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=script_code("collect_all"),
    script:
        "../scripts/collect_all.py"


rule collect_paper:
    input:
        RESOURCES / "paper_accuracies.csv",
    output:
        accuracy=f"{RESULTS}/paper/accuracy.csv",
        checksum=f"{RESULTS}/paper/accuracy.csv.sha256",
    log:
        f"{RESULTS}/logs/collect/paper.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=script_code("collect_paper"),
    script:
        "../scripts/collect_paper.py"


rule table1:
    input:
        accuracies=accuracy_tables("random-splits"),
        by_class=accuracy_tables_by_class("random-splits"),
    output:
        csv=f"{RESULTS}/{{study}}table1.csv",
        md=f"{RESULTS}/{{study}}table1.md",
        html=in_report(f"{RESULTS}/{{study}}table1.html", "Tables", "Table 1: boost of fine-tuned transfer"),
    log:
        f"{RESULTS}/logs/{{study}}table1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        code=script_code("table1"),
    script:
        "../scripts/table1.py"


rule tableS1:
    input:
        accuracy_tables("reduced"),
    output:
        csv=f"{RESULTS}/{{study}}tableS1.csv",
        md=f"{RESULTS}/{{study}}tableS1.md",
        html=in_report(f"{RESULTS}/{{study}}tableS1.html", "Tables", "Table S1: reduced sets"),
    log:
        f"{RESULTS}/logs/{{study}}tableS1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=script_code("tableS1"),
    script:
        "../scripts/tableS1.py"


rule effects:
    input:
        accuracies=accuracy_tables("random-splits", "manmade-natural", "preserved"),
        by_class=accuracy_tables_by_class("random-splits", "manmade-natural", "preserved"),
    output:
        csv=f"{RESULTS}/{{study}}effects.csv",
        md=f"{RESULTS}/{{study}}effects.md",
        html=in_report(f"{RESULTS}/{{study}}effects.html", "Tables", "Effects with intervals"),
    log:
        f"{RESULTS}/logs/{{study}}effects.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        code=script_code("effects"),
    script:
        "../scripts/effects.py"


rule claims:
    input:
        accuracies=accuracy_tables("random-splits", "manmade-natural", "random-filters", "mixed"),
        by_class=accuracy_tables_by_class("random-splits", "manmade-natural", "random-filters", "mixed"),
        distances=distances_for_claims,
        kernels=lambda wildcards: [] if wildcards.study else [f"{RESULTS}/filters.csv"],
        paper=f"{RESULTS}/paper/accuracy.csv",
    output:
        csv=f"{RESULTS}/{{study}}claims.csv",
        md=f"{RESULTS}/{{study}}claims.md",
        html=in_report(f"{RESULTS}/{{study}}claims.html", "Claims", "Claims and verdicts"),
    log:
        f"{RESULTS}/logs/{{study}}claims.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        papers_layers=lambda wildcards: bool(wildcards.study) or has_the_papers_layers(ARCHITECTURE),
        architecture=lambda wildcards: "caffenet" if wildcards.study else ARCHITECTURE,
        code=script_code("claims"),
    script:
        "../scripts/claims.py"


rule advice:
    input:
        accuracies=accuracy_tables("random-splits", "manmade-natural", "given"),
        by_class=accuracy_tables_by_class("random-splits", "manmade-natural", "given"),
    output:
        csv=f"{RESULTS}/{{study}}advice.csv",
        md=f"{RESULTS}/{{study}}advice.md",
        html=in_report(f"{RESULTS}/{{study}}advice.html", "Claims", "Advice: what to copy"),
        pdf=f"{RESULTS}/{{study}}advice.pdf",
        png=in_report(f"{RESULTS}/{{study}}advice.png", "Figures", "Advice: accuracy over n"),
    log:
        f"{RESULTS}/logs/{{study}}advice.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        layers=layers_of_study,
        code=script_code("advice"),
    script:
        "../scripts/advice.py"


rule classes:
    input:
        class_table,
    output:
        csv=f"{RESULTS}/{{study}}classes.csv",
        md=f"{RESULTS}/{{study}}classes.md",
        html=in_report(f"{RESULTS}/{{study}}classes.html", "Tables", "Classes and their sides"),
    log:
        f"{RESULTS}/logs/{{study}}classes.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        wordnet=lambda wildcards: "snapshot" if wildcards.study else config["wordnet"],
        sides=lambda wildcards: {} if wildcards.study else config["splits"]["sides"],
        code=script_code("classes"),
    script:
        "../scripts/classes.py"


rule wordnet_nodes:
    input:
        class_table,
    output:
        csv=f"{RESULTS}/{{study}}wordnet_nodes.csv",
        md=f"{RESULTS}/{{study}}wordnet_nodes.md",
        html=in_report(f"{RESULTS}/{{study}}wordnet_nodes.html", "Tables", "Largest WordNet nodes"),
    log:
        f"{RESULTS}/logs/{{study}}wordnet_nodes.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        wordnet=lambda wildcards: "snapshot" if wildcards.study else config["wordnet"],
        code=script_code("wordnet_nodes"),
    script:
        "../scripts/wordnet_nodes.py"


rule provenance:
    input:
        provenance=[f"{RESULTS}/provenance/{network.split}/{network.name}.json" for network in NETWORKS],
        accuracies=list(map(accuracy, NETWORKS)),
    output:
        csv=f"{RESULTS}/provenance.csv",
        md=f"{RESULTS}/provenance.md",
        html=in_report(f"{RESULTS}/provenance.html", "Provenance", "Provenance"),
    log:
        f"{RESULTS}/logs/provenance.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        code=script_code("provenance"),
    script:
        "../scripts/provenance.py"


rule configuration:
    output:
        yaml=f"{RESULTS}/configuration.yaml",
        html=in_report(f"{RESULTS}/configuration.html", "Provenance", "Configuration"),
    log:
        f"{RESULTS}/logs/configuration.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        config=lambda wildcards: config,
        code=script_code("configuration"),
    script:
        "../scripts/configuration.py"
