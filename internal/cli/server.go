package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"lambent.dev/lambent/internal/config"
	"lambent.dev/lambent/internal/control"
)

// server is a running Lambent as the commands see it: Lambda's API by AWS's own SDK, and
// the socket in its data folder.
type server struct {
	api      *awslambda.Client
	socket   *control.Client
	endpoint string
	namedBy  string        // flag; "" = --endpoint
	settings config.Config // as the server would read them here
}

// serverFlags say which server a command talks to.
type serverFlags struct{ endpoint, data string }

// endpointVariable names the server for every command of a shell.
const endpointVariable = "LAMBENT_ENDPOINT"

func newServerFlags(c *cobra.Command) *serverFlags {
	f := &serverFlags{}
	c.Flags().StringVar(&f.endpoint, "endpoint", "", "`URL` of the server (default $"+endpointVariable+", else http://127.0.0.1:9700)")
	return f
}

// withSocket adds the flag of commands that need the server's data folder.
func (f *serverFlags) withSocket(c *cobra.Command) *serverFlags {
	c.Flags().StringVar(&f.data, "data", "", "data `FOLDER` of the server (default as for lambent up)")
	return f
}

// open makes the clients. Nothing is connected yet.
func (f *serverFlags) open() (*server, error) {
	settings, err := config.Load(os.Getenv("LAMBENT_CONFIG"), os.Environ())
	if err != nil {
		return nil, &usageError{err}
	}
	endpoint := cmp.Or(f.endpoint, os.Getenv(endpointVariable), "http://"+settings.Listen)
	if err := checkEndpoint("--endpoint", endpoint); err != nil {
		return nil, err
	}
	settings.Data = cmp.Or(f.data, settings.Data)
	return &server{
		api: newAPI(endpoint, settings.Region, credentials(&settings)), socket: control.NewClient(settings.Data),
		endpoint: endpoint, settings: settings,
	}, nil
}

func checkEndpoint(flag, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return &usageError{fmt.Errorf("%s %q is not a URL such as http://127.0.0.1:9700", flag, endpoint)}
	}
	return nil
}

// newAPI returns a client that tries once: what fails here fails again, and a person waits.
func newAPI(endpoint, region string, who aws.CredentialsProviderFunc) *awslambda.Client {
	return awslambda.New(awslambda.Options{
		Region: region, BaseEndpoint: aws.String(endpoint), Retryer: aws.NopRetryer{}, Credentials: who,
	})
}
