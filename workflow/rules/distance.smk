# How far apart the halves of splits are in WordNet, and how transfer loss grows with it: Figure 4.


rule distances:
    input:
        class_table,
    output:
        csv=f"{RESULTS}/{{study}}distances.csv",
        md=f"{RESULTS}/{{study}}distances.md",
        html=in_report(f"{RESULTS}/{{study}}distances.html", "Tables", "Distances of halves"),
    log:
        f"{RESULTS}/logs/{{study}}distances.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        splits=splits_with_distance,
        wordnet=lambda wildcards: "snapshot" if wildcards.study else config["wordnet"],
        sides=lambda wildcards: {} if wildcards.study else config["splits"]["sides"],
        code=script_code("distances"),
    script:
        "../scripts/distances.py"


rule distance:
    input:
        accuracies=accuracy_tables("random-splits", "manmade-natural", "mixed"),
        by_class=accuracy_tables_by_class("random-splits", "manmade-natural", "mixed"),
        distances=rules.distances.output.csv,
    output:
        csv=f"{RESULTS}/{{study}}distance.csv",
        md=f"{RESULTS}/{{study}}distance.md",
        html=in_report(f"{RESULTS}/{{study}}distance.html", "Tables", "Transfer loss over distance"),
        pdf=f"{RESULTS}/{{study}}figure4.pdf",
        png=in_report(f"{RESULTS}/{{study}}figure4.png", "Figures", "Figure 4: semantic distance"),
    log:
        f"{RESULTS}/logs/{{study}}distance.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        measure=plotted_measure,
        code=script_code("distance"),
    script:
        "../scripts/distance.py"
