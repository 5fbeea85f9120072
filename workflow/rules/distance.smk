# The distance of the halves of splits in WordNet, and how transfer loss grows with it: Figure 4.


rule distances:
    input:
        INPUTS.class_table,
    output:
        csv="{folder}/distances.csv",
        md="{folder}/distances.md",
        html=in_report("{folder}/distances.html", "Tables", "Distances of halves"),
    log:
        "{folder}/logs/distances.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        splits=INPUTS.splits_with_distance,
        wordnet=INPUTS.wordnet,
        sides=INPUTS.sides,
    message:
        "measure how far apart the halves of splits are: {output.csv}"
    script:
        "../scripts/distances.py"


rule distance:
    input:
        accuracies=INPUTS.tables("random-splits", "manmade-natural", "mixed"),
        by_class=INPUTS.tables_by_class("random-splits", "manmade-natural", "mixed"),
        distances="{folder}/distances.csv",
    output:
        csv="{folder}/distance.csv",
        md="{folder}/distance.md",
        html=in_report("{folder}/distance.html", "Tables", "Transfer loss over distance"),
        pdf="{folder}/figure4.pdf",
        png=in_report("{folder}/figure4.png", "Figures", "Figure 4: semantic distance"),
    log:
        "{folder}/logs/distance.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=INPUTS.measure,
    message:
        "draw {output.pdf}"
    script:
        "../scripts/distance.py"
