package lambdaapi

import (
	"encoding/json"
	"strings"
)

// refuseUnsupported names what Lambent does not do yet: nothing that a caller asks for
// is dropped silently. Empty forms, which tools send for "none", pass.
func (in *createFunctionRequest) refuseUnsupported() error {
	var asked []string
	add := func(is bool, what string) {
		if is {
			asked = append(asked, what)
		}
	}
	in.Code.unsupported(add)
	in.unsupported(add)
	add(or(in.PackageType, "Zip") == "Image", "PackageType Image")
	add(set(in.PublishTo), "PublishTo")
	add(set(in.CodeSigningConfigArn), "CodeSigningConfigArn")
	return errUnsupported(asked)
}

func (in *updateConfigurationRequest) refuseUnsupported() error {
	var asked []string
	in.unsupported(func(is bool, what string) {
		if is {
			asked = append(asked, what)
		}
	})
	return errUnsupported(asked)
}

func (in *updateCodeRequest) refuseUnsupported() error {
	var asked []string
	add := func(is bool, what string) {
		if is {
			asked = append(asked, what)
		}
	}
	in.unsupported(add)
	add(set(in.PublishTo), "PublishTo")
	return errUnsupported(asked)
}

func errUnsupported(asked []string) error {
	if len(asked) == 0 {
		return nil
	}
	return invalid("Lambent does not support this yet: %s. Leave it out.", strings.Join(asked, ", "))
}

func (c *packageSource) unsupported(add func(bool, string)) {
	add(or(c.S3ObjectStorageMode, storageCopy) != storageCopy, "Code.S3ObjectStorageMode")
	add(set(c.ImageUri), "Code.ImageUri")
	add(set(c.SourceKMSKeyArn), "Code.SourceKMSKeyArn")
}

func (in *configurationRequest) unsupported(add func(bool, string)) {
	add(len(in.FileSystemConfigs) > 0, "FileSystemConfigs")
	add(set(in.KMSKeyArn), "KMSKeyArn")
	add(in.DeadLetterConfig != nil && set(in.DeadLetterConfig.TargetArn), "DeadLetterConfig")
	if v := in.VpcConfig; v != nil {
		add(len(v.SubnetIds)+len(v.SecurityGroupIds) > 0 || or(v.Ipv6AllowedForDualStack, false), "VpcConfig")
	}
	if i := in.ImageConfig; i != nil {
		add(len(i.EntryPoint)+len(i.Command) > 0 || set(i.WorkingDirectory), "ImageConfig")
	}
	add(filled(in.DurableConfig), "DurableConfig")
}

func set(s *string) bool { return s != nil && *s != "" }

// filled reports whether a structure holds anything.
func filled(raw *json.RawMessage) bool {
	return raw != nil && string(*raw) != "null" && strings.TrimSpace(strings.Trim(string(*raw), "{} \t\r\n")) != ""
}
