# The paper's figures, from this study's accuracies and, in paper/, from the paper's; filters and training curves.


rule figure1:
    output:
        pdf="<results>/figure1.pdf",
        png=in_report("<results>/figure1.png", "Figures", "Figure 1: treatments"),
    log:
        "<logs>/figure1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        treatments=config["treatments"],
        given=not STUDY.has_the_papers_question,
    message:
        "draw {output.pdf}"
    script:
        "../scripts/figure1.py"


rule figure2:
    input:
        INPUTS.tables("random-splits"),
    output:
        pdf="{folder}/figure2.pdf",
        png=in_report("{folder}/figure2.png", "Figures", "Figure 2: copied layers"),
        html=in_report("{folder}/figure2.html", "Figures", "Figure 2, to explore"),
    log:
        "{folder}/logs/figure2.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
        study=INPUTS.in_words,
        layers=INPUTS.layers_below_n,
    message:
        "draw {output.pdf}"
    script:
        "../scripts/figure2.py"


rule figure3:
    input:
        INPUTS.tables("random-splits", "manmade-natural", "random-filters"),
    output:
        pdf="{folder}/figure3.pdf",
        png=in_report("{folder}/figure3.png", "Figures", "Figure 3: dissimilar tasks, random filters"),
    log:
        "{folder}/logs/figure3.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
        layers=INPUTS.layers_below_n,
    message:
        "draw {output.pdf}"
    script:
        "../scripts/figure3.py"


rule figureS1:
    input:
        INPUTS.tables("reduced"),
    output:
        pdf="{folder}/figureS1.pdf",
        png=in_report("{folder}/figureS1.png", "Figures", "Figure S1: reduced sets"),
    log:
        "{folder}/logs/figureS1.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
    message:
        "draw {output.pdf}"
    script:
        "../scripts/figureS1.py"


rule filters:
    input:
        [
            STUDY.results.weights(network.split, network.name)
            for network in STUDY.networks
            if network.treatment == "base"
        ],
    output:
        pdf="<results>/filters.pdf",
        png=in_report("<results>/filters.png", "Figures", "First-layer kernels"),
        table="<results>/filters.csv",
    log:
        "<logs>/filters.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "draw {output.pdf}"
    script:
        "../scripts/filters.py"


rule curves:
    input:
        ALL_ACCURACIES,
    output:
        pdf="<results>/curves.pdf",
        png=in_report("<results>/curves.png", "Figures", "Training curves"),
    log:
        "<logs>/curves.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        layers=INPUTS.layers_below_n,
    message:
        "draw {output.pdf}"
    script:
        "../scripts/curves.py"
