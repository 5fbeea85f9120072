# The paper's figures, from this study and, below paper/, from the paper's own accuracies.


rule figure2:
    input:
        accuracy=lambda wildcards: kept(
            f"{RESULTS}/{wildcards.study}accuracy.csv", f"{RESULTS}/{wildcards.study}figure2.pdf"
        ),
    output:
        pdf=f"{RESULTS}/{{study}}figure2.pdf",
        png=f"{RESULTS}/{{study}}figure2.png",
    log:
        f"{RESULTS}/logs/{{study}}figure2.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    params:
        # The paper plots the mean of the ten best tests, which selects on the validation set; we plot the last test.
        measure=lambda wildcards: "top1_best10" if wildcards.study else "top1",
        code=code_fingerprint("figures.figure2"),
    script:
        "../scripts/figure2.py"
