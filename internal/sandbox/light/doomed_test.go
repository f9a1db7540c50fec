package light_test

const doomedVariable = "LAMBENT_TEST_DOOMED"

func doomed() int { return 0 }
