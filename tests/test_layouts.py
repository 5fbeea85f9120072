import shutil

import pytest
from transferability.errors import InputError
from transferability.layouts import index_images


def test_imagefolder(image_tree):
    (image_tree / "train" / "n01440764" / "notes.txt").write_text("no image")
    (image_tree / "train" / "n01440764" / "._n01440764_0.JPEG").write_text("what a Mac leaves behind")
    index = index_images("imagefolder", image_tree)
    assert list(index.columns) == ["path", "wnid", "subset"]
    assert index.groupby("subset").size().to_dict() == {"train": 12, "val": 6}
    assert index["path"][0] == "train/n01440764/n01440764_0.JPEG"
    assert all((image_tree / path).is_file() for path in index["path"])


def test_tiny_imagenet_holds_the_same_images_in_another_shape(image_tree, tmp_path):
    tiny = tmp_path / "tiny"
    (tiny / "val" / "images").mkdir(parents=True)
    lines = []
    for folder in (image_tree / "train").iterdir():
        shutil.copytree(folder, tiny / "train" / folder.name / "images")
    for file in sorted((image_tree / "val").glob("*/*")):
        name = f"val_{len(lines)}.JPEG"
        shutil.copy(file, tiny / "val" / "images" / name)
        lines.append(f"{name}\t{file.parent.name}\t0\t0\t9\t9\n")
    (tiny / "val" / "val_annotations.txt").write_text("".join(lines))
    ours, theirs = index_images("tiny-imagenet", tiny), index_images("imagefolder", image_tree)
    assert ours[["wnid", "subset"]].equals(theirs[["wnid", "subset"]])
    (tiny / "val" / "val_annotations.txt").unlink()
    with pytest.raises(InputError, match=r"val_annotations\.txt is missing"):
        index_images("tiny-imagenet", tiny)


def test_class_folders_without_images_are_all_named(image_tree):
    for wnid in ("n01440764", "n02084071"):
        for file in (image_tree / "val" / wnid).iterdir():
            file.rename(file.with_suffix(".jfif"))
    with pytest.raises(InputError, match=r"2 class folders without images: n01440764, n02084071.*\.webp"):
        index_images("imagefolder", image_tree)


def test_file_names_that_no_table_can_hold_are_refused(image_tree):
    file = image_tree / "train" / "n01440764" / "n01440764_0.JPEG"
    file.rename(file.with_name("a\rb.JPEG"))
    with pytest.raises(InputError, match=r"1 file names cannot be written down, e\.g\. 'train/n01440764/a\\rb\.JPEG'"):
        index_images("imagefolder", image_tree)


def test_classes_without_images_are_all_named(image_tree):
    shutil.rmtree(image_tree / "val" / "n01440764")
    shutil.rmtree(image_tree / "val" / "n02084071")
    with pytest.raises(InputError, match="no val images for 2 of 3 classes: n01440764, n02084071"):
        index_images("imagefolder", image_tree)


def test_a_root_of_another_shape_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"dataset\.root"):
        index_images("imagefolder", tmp_path / "nowhere")
    with pytest.raises(InputError, match="must hold train/ and val/"):
        index_images("imagefolder", tmp_path)
