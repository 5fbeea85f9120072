# The paper's figures, from this study and, below paper/, from the paper's own accuracies; filters and training curves.


rule figure1:
    output:
        pdf=f"{RESULTS}/figure1.pdf",
        png=in_report(f"{RESULTS}/figure1.png", "Figures", "Figure 1: treatments"),
    log:
        f"{RESULTS}/logs/figure1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        treatments=config["treatments"],
        given=not any(map(EXPERIMENTS.get, OF_CLASSES)),
        code=script_code("figure1"),
    script:
        "../scripts/figure1.py"


rule figure2:
    input:
        accuracy_tables("random-splits"),
    output:
        pdf=f"{RESULTS}/{{study}}figure2.pdf",
        png=in_report(f"{RESULTS}/{{study}}figure2.png", "Figures", "Figure 2: copied layers"),
        html=in_report(f"{RESULTS}/{{study}}figure2.html", "Figures", "Figure 2, to explore"),
    log:
        f"{RESULTS}/logs/{{study}}figure2.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        study=study_in_words,
        layers=layers_below_n,
        code=script_code("figure2"),
    script:
        "../scripts/figure2.py"


rule figure3:
    input:
        accuracy_tables("random-splits", "manmade-natural", "random-filters"),
    output:
        pdf=f"{RESULTS}/{{study}}figure3.pdf",
        png=in_report(f"{RESULTS}/{{study}}figure3.png", "Figures", "Figure 3: dissimilar tasks, random filters"),
    log:
        f"{RESULTS}/logs/{{study}}figure3.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        layers=layers_below_n,
        code=script_code("figure3"),
    script:
        "../scripts/figure3.py"


rule figureS1:
    input:
        accuracy_tables("reduced"),
    output:
        pdf=f"{RESULTS}/{{study}}figureS1.pdf",
        png=in_report(f"{RESULTS}/{{study}}figureS1.png", "Figures", "Figure S1: reduced sets"),
    log:
        f"{RESULTS}/logs/{{study}}figureS1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        code=script_code("figureS1"),
    script:
        "../scripts/figureS1.py"


rule filters:
    input:
        BASE_WEIGHTS,
    output:
        pdf=f"{RESULTS}/filters.pdf",
        png=in_report(f"{RESULTS}/filters.png", "Figures", "First-layer kernels"),
        table=f"{RESULTS}/filters.csv",
    log:
        f"{RESULTS}/logs/filters.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        first_layer=next(iter(LAYERS), ""),
        bgr=BLUEPRINT.order == "bgr",
        code=script_code("filters"),
    script:
        "../scripts/filters.py"


rule curves:
    input:
        list(map(accuracy, NETWORKS)),
    output:
        pdf=f"{RESULTS}/curves.pdf",
        png=in_report(f"{RESULTS}/curves.png", "Figures", "Training curves"),
    log:
        f"{RESULTS}/logs/curves.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        layers=layers_below_n,
        code=script_code("curves"),
    script:
        "../scripts/curves.py"
