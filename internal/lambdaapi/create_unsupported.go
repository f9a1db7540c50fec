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
	in.unsupportedCode(add)
	in.unsupportedConfiguration(add)
	add(or(in.PackageType, "Zip") == "Image", "PackageType Image")
	add(in.SnapStart != nil && or(in.SnapStart.ApplyOn, "None") != "None", "SnapStart")
	add(set(in.PublishTo), "PublishTo")
	if len(asked) == 0 {
		return nil
	}
	return invalid("Lambent does not support this yet: %s. Leave it out to create the function.", strings.Join(asked, ", "))
}

func (in *createFunctionRequest) unsupportedCode(add func(bool, string)) {
	c := in.Code
	add(or(c.S3ObjectStorageMode, storageCopy) != storageCopy, "Code.S3ObjectStorageMode")
	add(set(c.ImageUri), "Code.ImageUri")
	add(set(c.SourceKMSKeyArn), "Code.SourceKMSKeyArn")
}

func (in *createFunctionRequest) unsupportedConfiguration(add func(bool, string)) {
	add(len(in.FileSystemConfigs) > 0, "FileSystemConfigs")
	add(set(in.KMSKeyArn), "KMSKeyArn")
	add(set(in.CodeSigningConfigArn), "CodeSigningConfigArn")
	add(in.DeadLetterConfig != nil && set(in.DeadLetterConfig.TargetArn), "DeadLetterConfig")
	if v := in.VpcConfig; v != nil {
		add(len(v.SubnetIds)+len(v.SecurityGroupIds) > 0 || or(v.Ipv6AllowedForDualStack, false), "VpcConfig")
	}
	if i := in.ImageConfig; i != nil {
		add(len(i.EntryPoint)+len(i.Command) > 0 || set(i.WorkingDirectory), "ImageConfig")
	}
	add(filled(in.TenancyConfig), "TenancyConfig")
	add(filled(in.CapacityProviderConfig), "CapacityProviderConfig")
	add(filled(in.DurableConfig), "DurableConfig")
}

func set(s *string) bool { return s != nil && *s != "" }

// filled reports whether a structure holds anything.
func filled(raw *json.RawMessage) bool {
	return raw != nil && string(*raw) != "null" && strings.TrimSpace(strings.Trim(string(*raw), "{} \t\r\n")) != ""
}
