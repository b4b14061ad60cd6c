graphql`
  fragment tasks_ofCampaign on Campaign
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 20 }
    after: { type: "String" }
    filter: { type: "TaskFilter" }
    orderBy: { type: "[TaskOrder!]" }
  )
  @refetchable(queryName: "TasksQuery") {
    tasks(first: $first, after: $after, filter: $filter, orderBy: $orderBy)
      @connection(key: "tasks_tasks", filters: ["filter", "orderBy"]) {
      edges {
        node {
          taskId
          status
          pool {
            name
          }
        }
      }
    }
  }
`;
