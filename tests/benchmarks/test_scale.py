from benchmarks.scale import passage_text


def test_passages_are_real_texts_and_then_halves_of_two_of_which_no_pair_comes_twice() -> None:
    real = [f"{at:03}" + "first half " * 8 + "second half " * 8 + f"{at:03}" for at in range(101)]
    made = [passage_text(real, at) for at in range(5_000)]

    assert made[:101] == real
    assert len({(text[:3], text[-3:]) for text in made[101:]}) == 4_899
    assert len(set(made)) == 5_000
