"""The class CI runs what `make test` and .ci/run run, in GitHub's words and in GitLab's."""
import re

import pytest
import yaml


@pytest.fixture
def commands(root):
    """The commands of `make test`, in the words of a shell whose Python is already set up."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    variables = dict(re.findall(r"^([A-Z]+) :?= (.+)$", makefile, re.MULTILINE)) | {"RUN": "python"}
    recipe = re.search(r"^test:.*\n((?:\t.+\n)+)", makefile, re.MULTILINE)[1]
    while "$(" in recipe:
        recipe = re.sub(r"\$\(([A-Z]+)\)", lambda match: variables[match[1]], recipe)
    return ['python -m pip install -e ".[course,test]"', *re.findall(r"\t(.+)", recipe)]


@pytest.fixture
def job(root):
    """The one job of the GitHub workflow."""
    workflow = yaml.safe_load((root / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    return job


def test_github_runs_what_make_test_runs_and_the_lessons_again(job, commands):
    steps = [step for step in job["steps"] if "run" in step]
    assert [step["run"] for step in steps] == [*commands, commands[-1]]
    assert [step.get("env", {}) for step in steps] == [{}, {}, {}, {"OPENBLAS_CORETYPE": "Prescott"}]


def test_github_has_every_system_and_python(job):
    assert job["strategy"]["matrix"] == {"os": ["ubuntu-latest", "macos-latest", "windows-latest"],
                                         "python": ["3.11", "3.12", "3.13", "3.14"]}


def test_github_actions_are_pinned_to_a_major_version(job):
    for step in job["steps"]:
        assert re.fullmatch(r"actions/[a-z-]+@v\d+", step.get("uses", "actions/x@v1"))


def test_gitlab_example_runs_what_make_test_runs(root, commands):
    readme = (root / "course" / "README.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```yaml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    script = yaml.safe_load(example)["test"]["script"]
    assert [re.sub(r" --junitxml \S+", "", line) for line in script] == commands


def test_course_readme_links_to_files_that_exist(root):
    readme = (root / "course" / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link]
    assert links and [link for link in links if not (root / "course" / link).exists()] == []
