graphql`
  fragment campaigns_list on Query
  @argumentDefinitions(first: { type: "Int", defaultValue: 20 }, after: { type: "String" })
  @refetchable(queryName: "CampaignsQuery") {
    campaigns(first: $first, after: $after) @connection(key: "campaigns_campaigns") {
      totalCount
      edges {
        node {
          campaignId
          name
          ...campaigns_measures @defer(label: "measures")
        }
      }
    }
  }
`;

graphql`
  fragment campaigns_measures on Campaign {
    progress {
      percent
    }
    delivery {
      completed {
        instances
      }
    }
  }
`;
