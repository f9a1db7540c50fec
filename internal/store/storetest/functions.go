package storetest

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"lambent.dev/lambent/internal/lambda"
)

const (
	account = "123456789012"
	region  = "eu-central-1"
)

// ID names a function of the suite's account and region.
func ID(name string) lambda.FunctionID {
	return lambda.FunctionID{Account: account, Region: region, Name: name}
}

// Filled returns a function with a value in every field, also in those that are
// added to the domain after this was written, and three published versions.
func Filled(id lambda.FunctionID) lambda.Function {
	var fn lambda.Function
	fill(reflect.ValueOf(&fn).Elem(), "f")
	fn.ID, fn.Latest.Version = id, lambda.Latest
	fn.Published = nil
	for number := range 3 {
		v := fn.Latest
		v.Version = strconv.Itoa(number + 9) // 9, 10, 11: not the order of text
		v.Code.Digest += v.Version
		fn.Published = append(fn.Published, v)
	}
	return fn
}

func fill(v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(name + " \x00\u2028ü'\"\\<&>")
	case reflect.Int, reflect.Int64:
		v.SetInt(1 << 30)
	case reflect.Float64:
		v.SetFloat(0.1)
	case reflect.Uint64:
		v.SetUint(1<<64 - 1)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Map:
		fillMap(v, name)
	case reflect.Struct:
		fillStruct(v, name)
	default:
		panic(fmt.Sprintf("storetest: %s has the new kind %s: teach fill to make one", name, v.Kind()))
	}
}

func fillMap(v reflect.Value, name string) {
	key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
	fill(key, name+".key")
	fill(value, name+".value")
	v.Set(reflect.MakeMap(v.Type()))
	v.SetMapIndex(key, value)
}

func fillStruct(v reflect.Value, name string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 1, 2, 3, 456789012, time.UTC)))
		return
	}
	for i := range v.NumField() {
		fill(v.Field(i), v.Type().Field(i).Name)
	}
}
