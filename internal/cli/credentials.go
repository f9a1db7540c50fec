package cli

import (
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"lambent.dev/lambent/internal/config"
)

// anyone signs requests where there are no accounts: nobody looks at signatures there.
const anyone = "lambent"

// credentials are those of the account that the settings name, where they have accounts; else
// those of the environment, for a server elsewhere. Secrets are read when something is signed.
func credentials(settings *config.Config) aws.CredentialsProviderFunc {
	return func(context.Context) (aws.Credentials, error) {
		key, secret, err := settings.Own()
		if key != "" || err != nil {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, err
		}
		return environmentCredentials(), nil
	}
}

func environmentCredentials() aws.Credentials {
	key, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if key == "" || secret == "" {
		key, secret = anyone, anyone
	}
	return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}
}

// inAccount names a function for the server's socket, which knows no signatures: in the account
// that commands act for, where there are accounts.
func (s *server) inAccount(name string) string {
	if len(s.settings.Accounts) == 0 || strings.Contains(name, ":function:") {
		return name
	}
	return s.settings.Account + ":function:" + name
}
