package bench

// PythonModules are those of the standard library that Lambent keeps loaded for functions, and
// that what it is compared with imports.
func PythonModules() []string {
	return []string{
		"json", "logging", "datetime", "re", "collections", "traceback", "urllib.request", "http.client", "ssl",
		"socket", "hashlib", "base64", "uuid", "decimal", "random", "threading", "concurrent.futures",
	}
}
