# Given networks on the user's own images: the mistakes of the network that the advice names.


rule mistakes:
    input:
        advice="<results>/advice.csv",
        accuracies=[STUDY.results.accuracy(network.split, network.name) for network in STUDY.experiments["given"]],
        index="<results>/index.csv",
        store=ancient("<results>/store.npy"),
        checksums=ancient("<results>/store.crc32.npy"),
        description="<results>/store.json",
        manifest=INPUTS.given_manifest,
    output:
        csv="<results>/mistakes.csv",
        md="<results>/mistakes.md",
        html=in_report("<results>/mistakes.html", "Mistakes", "Mistakes of the advised network"),
        png=in_report("<results>/mistakes.png", "Mistakes", "Photographs that it gets wrong"),
        of_all=in_report("<results>/mistakes-of-all.png", "Mistakes", "Photographs that all arms get wrong"),
        confusion=in_report("<results>/confusion.png", "Mistakes", "Confusion matrix"),
        confusion_pdf="<results>/confusion.pdf",
    log:
        "<logs>/mistakes.log",
    localrule: True
    conda:
        "../../envs/environment.yaml"
    message:
        "list the mistakes of the advised network: {output.md}"
    script:
        "../scripts/mistakes.py"


# The network to take home. Trainings keep the weights of base networks only, so it is trained once more.
rule model:
    input:
        advice=[] if config["model"] else "<results>/advice.csv",
        accuracies=or_give_up(INPUTS.model_accuracies),
        weights=or_give_up(INPUTS.model_weights),
        index="<results>/index.csv",
        store=ancient("<results>/store.npy"),
        checksums=ancient("<results>/store.crc32.npy"),
        description="<results>/store.json",
        manifest=INPUTS.given_manifest,
    output:
        directory("<results>/model"),
    log:
        "<logs>/model.log",
    conda:
        "../../envs/environment.yaml"
    threads: config["jobs"]["threads"]
    resources:
        **TRAINING_RESOURCES,
    params:
        code=CODE,
        model=config["model"],
    message:
        "train the network to take home: {threads} threads, {resources.gpu} GPUs, {resources.mem_mb} MB, {resources.runtime} min"
    script:
        "../scripts/model.py"
